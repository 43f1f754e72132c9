"""One request and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from token_difr.endpoint.failures import answer_body, endpoint_error
from token_difr.errors import AnswerError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["post"]


async def post(
    client: AsyncOpenAI,
    path: str,
    body: Mapping[str, Any],
    *,
    model: str,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object that an endpoint answers; the client's retries are the only ones.

    Args:
        client: A client of the endpoint.
        path: Below its base URL, e.g. ``/chat/completions``.
        body: What is sent, as it stands: no field is left out, renamed or checked.
        model: For the errors' text.
        headers: More headers of this request.

    Raises:
        EndpointError: No answer, or one that is no JSON object or reports an error.
        InputError: A header of the client cannot be sent.
    """
    import httpx2
    import openai

    options: Any = {"headers": dict(headers or {})}
    try:
        answer = await client.post(path, body=dict(body), cast_to=httpx2.Response, options=options)
    except openai.OpenAIError as error:
        raise endpoint_error(error, client=client, model=model) from error
    content = answer.content
    try:
        return answer_body(content, client=client)
    except AnswerError as failure:
        del answer, content  # the error's traceback would hold the whole answer as long as the error is held
        raise failure.with_traceback(None) from None
