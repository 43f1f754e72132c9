"""The answer of a chat endpoint as a record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from token_difr.errors import AnswerError
from token_difr.records import Response

__all__ = ["chat_response", "first_choice"]


def chat_response(index: int, body: dict[str, Any], *, sent: Mapping[str, Any]) -> Response:
    """The first choice of a chat answer.

    Args:
        index: Which of the prompts it answers.
        body: The answer's JSON.
        sent: The request's fields beside model and messages.

    Raises:
        AnswerError: No choice, one without a message, one that was broken off with an error, or content that is no text.
    """
    choice = first_choice(body)
    message = choice.get("message")
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
        sent=dict(sent),
        body=_storable(body),
    )


def first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of an answer of any kind.

    Raises:
        AnswerError: There is none, or it was broken off with an error.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise AnswerError("the answer has no choices")
    choice: Mapping[str, Any] = choices[0]
    if choice.get("error") or choice.get("finish_reason") == "error":
        raise AnswerError("the provider broke the answer off with an error")
    return choice


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
