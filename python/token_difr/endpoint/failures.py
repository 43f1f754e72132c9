"""What the openai SDK raises, and what endpoints answer, as the errors of token-difr."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from token_difr.endpoint.client import NO_KEY, shown_url
from token_difr.errors import (
    AnswerError,
    AuthenticationError,
    EndpointError,
    EndpointUnreachableError,
    InputError,
    TokenDifrError,
    UnknownModelError,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAIError

__all__ = ["SECRET_HEADER", "answer_body", "endpoint_error", "quoted", "stops_everything"]

LONGEST_QUOTE = 300
"""Characters of an endpoint's own message that ours quote."""

SECRET_HEADER = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)
"""Names of headers that prove who asks; they do not change an answer."""

OUT_OF_CREDIT = 402
"""The HTTP status of an account without money."""

DEEPEST_BODY = 100
"""Levels of lists and objects in an answer; what reads and stores it calls itself once a level."""


def endpoint_error(error: OpenAIError, *, client: AsyncOpenAI, model: str) -> TokenDifrError:
    """The token-difr error for what the SDK raised: one line that names the URL, without the key.

    An ``EndpointError``, or an ``InputError`` where the client's own headers cannot be sent.

    Raise it ``from error``: :func:`stops_everything` looks at the cause.
    """
    import httpx2
    import openai

    url = shown_url(client)
    _clean_cause(error, client)
    if isinstance(error, openai.APITimeoutError):
        return EndpointUnreachableError(f"{url} did not answer in time")
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
    """Take the key out of what the SDK quotes: its error stays the cause of ours, and tracebacks show it."""
    said = f"{error} {getattr(error, 'body', None)}"
    if not any(secret in said for secret in _secrets(client)):
        return
    error.args = tuple(_masked(str(argument), client) for argument in error.args)
    error.message = _masked(str(getattr(error, "message", "")), client)
    if getattr(error, "body", None) is not None:
        error.body = {"message": _masked(_error_text(error.body), client)}


def _secrets(client: AsyncOpenAI) -> list[str]:
    """The key, and what stands in headers that prove who asks."""
    values = [value for name, value in client.default_headers.items() if SECRET_HEADER.search(name)]
    known = [client.api_key, *(value for value in values if isinstance(value, str))]
    return [secret.removeprefix("Bearer ") for secret in known if secret and NO_KEY not in secret]


def _masked(text: str, client: AsyncOpenAI) -> str:
    for secret in _secrets(client):
        text = text.replace(secret, "[key]")
    return text


def answer_body(content: bytes, *, client: AsyncOpenAI) -> dict[str, Any]:
    """The JSON object of an answer with HTTP status 200.

    Raises:
        AnswerError: It is no JSON object, one nested too deeply, or one that reports an error.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"{shown_url(client)} answered something that is not JSON: {error}") from error
    if not _is_shallow(body):
        raise AnswerError(f"{shown_url(client)} answered JSON that is nested more than {DEEPEST_BODY} levels deep")
    if not isinstance(body, dict):
        raise AnswerError(f"{shown_url(client)} answered a JSON {type(body).__name__}, not an object")
    if body.get("error"):
        text = _error_text(body["error"])
        raise AnswerError(f"{shown_url(client)} answered HTTP 200 with an error inside: {_quote(text, client)}")
    return body


def _is_shallow(body: object) -> bool:
    level = [body]
    for _ in range(DEEPEST_BODY + 1):
        lists = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        if not lists:
            return True
        level = [item for items in lists for item in items]
    return False


def stops_everything(error: BaseException) -> bool:
    """Whether every other request would meet the same error, so that none should be sent.

    So it is with a host that nobody reaches, a refused key, an account without credit (HTTP 402), a model that is not
    served, and whatever is no endpoint's fault. A path that there is not (HTTP 404) says nothing of others' paths.
    """
    import httpx2

    if isinstance(error, EndpointUnreachableError):
        failure = error.__cause__
        return isinstance(failure.__cause__ if failure else None, httpx2.ConnectError | httpx2.ConnectTimeout)
    if not isinstance(error, EndpointError) or isinstance(error, AuthenticationError | UnknownModelError):
        return True
    return getattr(error.__cause__, "status_code", None) == OUT_OF_CREDIT


def _status_error(error: Any, *, url: str, client: AsyncOpenAI, model: str) -> EndpointError:
    text = _quote(_error_text(error.body) or error.message, client)
    status = error.status_code
    if status == 401 or (status == 403 and not _is_moderation(text)):
        return AuthenticationError(f"{url} refused the key (HTTP {status}): {text}")
    if status in {400, 404} and _speaks_of_model(error, text, model):
        return UnknownModelError(f"{url} does not serve the model {model!r} (HTTP {status}): {text}")
    if status == 404:
        return EndpointError(f"{url} has no such path (HTTP 404); is the base URL right? {text}")
    return EndpointError(f"{url} answered HTTP {status}: {text}")


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


def _error_text(error: object) -> str:
    """The message inside one of the forms that endpoints use: ``{"error": {"message": ...}}`` and parts of it."""
    while isinstance(error, dict):
        inner = error.get("error") or error.get("message") or error.get("detail")
        if inner is None:
            break
        error = inner
    try:
        return json.dumps(error) if isinstance(error, dict | list) else str(error or "")
    except RecursionError:
        return "an error that is nested too deeply to show"


def quoted(error: object, client: AsyncOpenAI) -> str:
    """What an endpoint says of an error, in any of the usual forms, as one printable line without the key."""
    return _quote(_error_text(error), client)


def _quote(text: str, client: AsyncOpenAI) -> str:
    """An endpoint's text as one printable line of bounded length, without the key."""
    text = _masked(text, client)
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= LONGEST_QUOTE else line[:LONGEST_QUOTE] + "..."
