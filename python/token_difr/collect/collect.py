"""Asking the provider."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from token_difr.collect.prompts import check_prompts
from token_difr.endpoint import answer_body, ask_all, endpoint_error, is_local, shown_url, tag_headers
from token_difr.errors import AnswerError, InputError
from token_difr.records import Conversation, Response
from token_difr.sampling import SamplingParams

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["asks_token_ids", "collect"]

NOTHING: Mapping[int, Response] = MappingProxyType({})


async def collect(
    prompts: Sequence[Conversation],
    *,
    client: AsyncOpenAI,
    model: str,
    params: SamplingParams | None = None,
    max_tokens: int = 200,
    token_ids: bool = False,
    concurrency: int = 8,
    answered: Mapping[int, Response] = NOTHING,
    keep: Callable[[Response], None] | None = None,
    progress: bool = True,
) -> list[Response]:
    """Ask the provider to answer every conversation that has no answer yet.

    Args:
        prompts: The conversations.
        client: A client of the provider; its ``max_retries`` are the only retries.
        model: The model that the provider is asked for.
        params: How it is told to sample; None = temperature 0. One seed a sequence if ``params.seed`` is a tuple.
        max_tokens: The longest output, in tokens.
        token_ids: Ask for the output's token ids too (``return_token_ids``, which vLLM and ``token-difr serve`` take).
        concurrency: Requests in flight.
        answered: Answers that are here already, by index; not asked for again.
        keep: Called with every answer as it arrives.
        progress: Show a progress bar on standard error, if that is a terminal.

    Returns:
        One answer a conversation, in order.

    Raises:
        PromptError: A conversation that cannot be sent.
        InputError: ``max_tokens`` below 1, or not one seed a conversation.
        EndpointError: See :func:`~token_difr.endpoint.ask_all`; what has arrived went to ``keep``.
    """
    prompts = check_prompts(prompts)
    if max_tokens < 1:
        raise InputError(f"max_tokens must be at least 1, not {max_tokens!r}")
    params = params or SamplingParams()
    if isinstance(params.seed, tuple) and len(params.seed) != len(prompts):
        raise InputError(f"there are {len(params.seed)} seeds for {len(prompts)} prompts: give one, or one a prompt")
    responses = {index: answered[index] for index in range(len(prompts)) if index in answered}

    async def ask(index: int) -> None:
        request = _request(model, params, index, max_tokens, token_ids=token_ids)
        response = await _ask(index, prompts[index], client, request)
        responses[index] = response
        if keep is not None:
            keep(response)

    missing = [index for index in range(len(prompts)) if index not in responses]
    await ask_all(missing, ask, concurrency=concurrency, label="collect", progress=progress)
    return [responses[index] for index in range(len(prompts))]


def asks_token_ids(url: str, params: SamplingParams, choice: bool | None) -> bool:
    """Whether the provider at ``url`` is to be asked for token ids: ``choice``, if one was made.

    Else those on this machine are, when they sample: sampled text is often not what its tokenizer would write again,
    while at temperature 0 it nearly always is.
    """
    return choice if choice is not None else not params.greedy and is_local(url)


def _request(model: str, params: SamplingParams, index: int, max_tokens: int, *, token_ids: bool) -> dict[str, Any]:
    """The fields beside the messages. Filters that are off are not sent: some providers refuse the unknown ones."""
    request: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "temperature": params.temperature}
    if params.top_p < 1:
        request["top_p"] = params.top_p
    if params.seed is not None:
        request["seed"] = params.seed if isinstance(params.seed, int) else params.seed[index]
    # Not OpenAI's own fields, so the SDK takes them apart from the others.
    fields = {"top_k": params.top_k, "min_p": params.min_p, "return_token_ids": token_ids}
    extra = {name: value for name, value in fields.items() if value}
    return {**request, "extra_body": extra} if extra else request


async def _ask(index: int, messages: Conversation, client: AsyncOpenAI, request: dict[str, Any]) -> Response:
    import openai

    create: Any = client.chat.completions.with_raw_response.create  # messages of any role, as they stand
    try:
        answer = await create(messages=messages, **request, extra_headers=tag_headers(client, f"collect-{index}"))
    except openai.OpenAIError as error:
        raise endpoint_error(error, client=client, model=request["model"]) from error
    body = answer_body(answer.content, client=client)
    try:
        return _response(index, body)
    except AnswerError as error:
        raise AnswerError(f"{shown_url(client)}, prompt {index}: {error}") from error


def _response(index: int, body: dict[str, Any]) -> Response:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise AnswerError("the answer has no choices")
    choice = choices[0]
    message = choice.get("message")
    if choice.get("error") or choice.get("finish_reason") == "error":
        raise AnswerError("the provider broke the answer off with an error")
    if not isinstance(message, dict):
        raise AnswerError("the answer has no message")
    content, reasoning = message.get("content"), message.get("reasoning") or message.get("reasoning_content")
    if not isinstance(content or "", str) or not isinstance(reasoning or "", str):
        raise AnswerError("the answer's content is not text")
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    return Response(
        index=index,
        content=content or "",
        reasoning=reasoning or "",
        finish_reason=reason if isinstance(reason := choice.get("finish_reason"), str) else None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        body=_storable(body),
    )


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None


def _storable(value: Any) -> Any:
    """``value`` with NaN and infinities, which some servers write into JSON, as strings: strict JSON has none.

    ``answer_body`` bounds how deep this goes.
    """
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
