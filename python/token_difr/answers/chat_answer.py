"""The answer of a chat endpoint as the record that an audit keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from token_difr.records import Response
from token_difr.services import read_answer

__all__ = ["chat_response"]


def chat_response(index: int, body: dict[str, Any], *, sent: Mapping[str, Any]) -> Response:
    """The first choice of a chat answer.

    Args:
        index: Which of the prompts it answers.
        body: The answer's JSON.
        sent: The request's fields beside model and messages.

    Raises:
        AnswerError: See :func:`~token_difr.services.read_answer`.
    """
    answer = read_answer(body)
    return Response(
        index=index,
        content=answer.content,
        reasoning=answer.reasoning,
        finish_reason=answer.finish_reason,
        prompt_tokens=answer.usage.prompt_tokens,
        completion_tokens=answer.usage.completion_tokens,
        sent=dict(sent),
        body=_storable(body),
    )


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
