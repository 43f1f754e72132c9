"""Failures inside answers with HTTP status 200: the same failure counts alike wherever it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from token_difr.untrusted import read_json

__all__ = ["Failure", "breaks_off", "error_text", "failure_inside"]

LONGEST = 10**6
"""Bytes of an answer that may be a failure; reading a larger one twice would cost too much."""

TELLING = re.compile(rb'"error"\s*:|"finish_reason"\s*:\s*"error"|"choices"\s*:\s*(\[\s*\]|null)')
"""What stands in every answer that is a failure. The word alone is no sign: models say it too."""

BAD_GATEWAY = 502
"""The HTTP status of a server whose own source gave no answer: the next attempt may get one."""


class Failure(NamedTuple):
    """What went wrong behind a status of 200.

    Attributes:
        status: The HTTP status that it comes to, which decides whether it is tried again.
        text: In words of ours and of the endpoint's, for the message.
    """

    status: int
    text: str


def breaks_off(content: bytes) -> bool:
    """Whether an answer begins as a JSON object and does not end as one: a proxy on the way lost its end."""
    text = content.strip()
    return text[:1] == b"{" and text[-1:] != b"}"


def failure_inside(content: bytes) -> Failure | None:
    """The failure that an answer with status 200 is; None where it is none, or one that would come again.

    An error counts at the top, in the first choice and in that choice's ``finish_reason``. Routers answer so when a
    provider behind them fails. Its ``code`` or ``status`` is the HTTP status; an error without one says nothing on
    whether to try again, and is left to whoever reads the answer. No choice at all is a source that gave no answer.
    """
    if len(content) > LONGEST or not TELLING.search(content):
        return None
    try:
        body = read_json(content)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = body.get("error") or choice.get("error")
    if error:
        status = _status(error)
        return None if status is None else Failure(status, error_text(error))
    if choice.get("finish_reason") == "error":
        return Failure(BAD_GATEWAY, "the provider broke the answer off with an error")
    return Failure(BAD_GATEWAY, "the answer has no choices") if "choices" in body and not choices else None


def error_text(error: object) -> str:
    """The message inside one of the forms that endpoints use: ``{"error": {"message": ...}}`` and parts of it."""
    for _ in range(10):
        inner = error.get("error") or error.get("message") or error.get("detail") if isinstance(error, dict) else None
        if inner is None:
            break
        error = inner
    try:
        return json.dumps(error) if isinstance(error, dict | list) else str(error or "")
    except RecursionError:
        return "an error that is nested too deeply to show"


def _status(error: object) -> int | None:
    given: Mapping[str, Any] = error if isinstance(error, dict) else {}
    codes = (given.get("code"), given.get("status"))
    return next((code for code in codes if type(code) is int and 400 <= code < 600), None)
