"""What the openai SDK raises, and what endpoints answer, as the errors of token-difr."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from token_difr.endpoint.client import shown_url
from token_difr.endpoint.inside import error_text
from token_difr.endpoint.secrets import mask_of
from token_difr.endpoint.transport import FAILURE, PROXY, RedirectedError
from token_difr.errors import (
    AnswerError,
    AuthenticationError,
    EndpointError,
    EndpointUnreachableError,
    InputError,
    TokenDifrError,
    UnknownModelError,
)
from token_difr.untrusted import read_json, text_of_page
from token_difr.untrusted.documents import TOO_DEEP

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError

__all__ = ["answer_body", "endpoint_error", "quoted", "stops_everything"]

LONGEST_QUOTE = 300
"""Characters of an endpoint's own message that ours quote."""

LONGEST_LOOK, LONGEST_BEGINNING, LONGEST_DATE = 20_000, 80, 40
"""Characters of a page, of what is no JSON and of a date that are looked at."""

OUT_OF_CREDIT = 402
"""The HTTP status of an account without money."""


def endpoint_error(error: OpenAIError, *, client: AsyncOpenAI, model: str) -> TokenDifrError:
    """The token-difr error for what the SDK raised: one line that names the URL, without the key.

    An ``EndpointError``, or an ``InputError`` where the client's own headers cannot be sent.

    Raise it ``from error``: :func:`stops_everything` looks at the cause.
    """
    import httpx2
    import openai

    url = shown_url(client)
    _clean_cause(error, client)
    if isinstance(error, openai.APIStatusError) and PROXY in error.response.extensions:
        url = f"{url} (through the proxy {error.response.extensions[PROXY]})"
    if isinstance(error, openai.APITimeoutError):
        reason = _quote(str(error.__cause__ or ""), client)
        return EndpointUnreachableError(f"{url} did not answer in time{f': {reason}' if reason else ''}")
    if isinstance(error, openai.APIConnectionError):
        if isinstance(error.__cause__, httpx2.LocalProtocolError):
            # Its text holds the refused header, that is the key: it must not stand in a traceback either.
            error.__cause__ = error.__context__ = None
            return InputError(f"cannot ask {url}: a header is not valid in HTTP; is the key one line of ASCII?")
        reason = _quote(str(error.__cause__ or error), client)
        return EndpointUnreachableError(f"cannot reach {url}: {reason}")
    if isinstance(error, openai.APIStatusError):
        return _status_error(error, url=url, client=client, model=model)
    return EndpointError(f"{url}: {_quote(str(error), client)}")


def _clean_cause(error: Any, client: AsyncOpenAI) -> None:
    """Take secrets out of what the SDK quotes: its error stays the cause of ours, and tracebacks show it."""
    mask = mask_of(client)
    mask.clean(error)
    if isinstance(getattr(error, "message", None), str):
        error.message = mask.error(error.message)
    if getattr(error, "body", None) is not None:
        error.body = {"message": mask.error(error_text(error.body))}


def answer_body(content: bytes, *, client: AsyncOpenAI) -> dict[str, Any]:
    """The JSON object of an answer with HTTP status 200, without what the endpoint echoes of the client's secrets.

    Raises:
        AnswerError: It is no JSON object, one nested too deeply, or one that reports an error.
    """
    url = shown_url(client)
    body: object = None
    wrong = ""
    try:
        body = read_json(content)
    except ValueError as error:
        wrong = str(error)
    if wrong:  # not above: an error that came of the first one would hold the whole answer
        raise AnswerError(f"{url} answered {_no_json(content, wrong, client)}")
    if not isinstance(body, dict):
        raise AnswerError(f"{url} answered a JSON {type(body).__name__}, not an object")
    if body.get("error"):
        raise AnswerError(f"{url} answered HTTP 200 with an error inside: {_quote(error_text(body['error']), client)}")
    masked: dict[str, Any] = mask_of(client).answer(body)
    return masked


def _no_json(content: bytes, wrong: str, client: AsyncOpenAI) -> str:
    """What an answer is that is no JSON, by its first words."""
    text = content[:LONGEST_LOOK].decode("utf-8", "replace")
    if wrong == TOO_DEEP:
        return f"something that is not JSON, or {wrong}"
    if not text.strip():
        return "nothing, which is not JSON"
    page = text_of_page(text)
    if page is not None:
        return f"a web page, not JSON; is the base URL right? The page says: {_quote(page, client)}"
    return f"something that is not JSON; it begins: {_quote(text[:LONGEST_BEGINNING], client)}"


def stops_everything(error: BaseException) -> bool:
    """Whether every other request would meet the same error, so that none should be sent.

    So it is with a host that nobody reaches or that redirects to another, a refused key, an account without credit (HTTP
    402), a model that is not served, and whatever is no endpoint's fault. A path that there is not (HTTP 404) says nothing of others' paths.
    """
    import httpx2

    failure = error.__cause__
    cause = failure.__cause__ if failure else None
    if isinstance(error, EndpointUnreachableError):
        return isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
    if isinstance(cause, RedirectedError):
        return True
    if not isinstance(error, EndpointError) or isinstance(error, AuthenticationError | UnknownModelError):
        return True
    return getattr(failure, "status_code", None) == OUT_OF_CREDIT


def _status_error(error: Any, *, url: str, client: AsyncOpenAI, model: str) -> EndpointError:
    status, inside = error.status_code, error.response.extensions.get(FAILURE)
    text = _quote(inside or _said(error), client)
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and not _is_moderation(text)):
        return AuthenticationError(f"{url} refused the key (HTTP {status}): {text}")
    if status in {400, 404} and _speaks_of_model(error, text, model):
        return UnknownModelError(f"{url} does not serve the model {model!r} (HTTP {status}): {text}")
    if status == HTTPStatus.NOT_FOUND:
        return EndpointError(f"{url} has no such path (HTTP 404); is the base URL right? {text}")
    if inside is not None:
        return AnswerError(
            f"{url} answered HTTP 200 with an error inside (HTTP {status}): {text}{_wait(error, client)}"
        )
    return EndpointError(f"{url} answered HTTP {status}: {text}{_wait(error, client)}")


def _said(error: Any) -> str:
    """What the endpoint says of its error; a proxy's or gateway's web page without its tags."""
    text = error_text(error.body) or str(error.message)
    page = text_of_page(text)
    return text if page is None else f"a web page: {page}"


def _wait(error: Any, client: AsyncOpenAI) -> str:
    """How long the endpoint asks to wait, where it does: seconds, or a date."""
    asked = _quote(error.response.headers.get("retry-after", "").strip()[:LONGEST_DATE], client)
    if not asked:
        return ""
    return (
        f" (it asks to wait {asked} s before the next request)"
        if asked.isdecimal()
        else f" (it asks to wait until {asked})"
    )


def _is_moderation(text: str) -> bool:
    """Whether a 403 is about one prompt, not about the key: OpenRouter answers so to prompts that it flags."""
    return "moderation" in text.lower() or "flagged" in text.lower()


def _speaks_of_model(error: Any, text: str, model: str) -> bool:
    if error.code == "model_not_found":
        return True
    lowered = text.lower()
    named = re.search(rf"(?<!\w){re.escape(model.lower())}(?!\w)", lowered)
    complaints = ("does not exist", "not found", "no endpoints found", "not a valid model", "unknown model")
    return bool(named or "model" in lowered) and any(words in lowered for words in complaints)


def quoted(error: object, client: AsyncOpenAI) -> str:
    """What an endpoint says of an error, in any of the usual forms, as one printable line without the key."""
    return _quote(error_text(error), client)


def _quote(text: str, client: AsyncOpenAI) -> str:
    """An endpoint's text as one printable line of bounded length, without the key."""
    text = mask_of(client).error(text)
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= LONGEST_QUOTE else line[:LONGEST_QUOTE] + "..."
