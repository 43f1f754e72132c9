"""The answer of a provider, read by one set of rules: which choice counts, what its text is, and what it says of itself.

What the web's APIs leave open is decided here once, on the careful side; what a message's texts are, in ``message``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from token_difr.errors import AnswerError
from token_difr.records import LARGEST_ID
from token_difr.services.message import as_text, has_unsent_parts, message_texts
from token_difr.services.usage import StatedUsage
from token_difr.untrusted import whole_number

__all__ = ["Answer", "first_choice", "read_answer", "reasoning_is_unsent"]

CLOSING_TAG = "</think>"
"""What ends a thought that stands in the content."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the answers of all endpoints have in common.

    Attributes:
        choice: The first choice, as it came.
        content: Its text, exactly as it was sent.
        reasoning: Reasoning from a separate field, or "".
        finish_reason: The provider's word; None if it gave none.
        usage: What it says that it used.
        token_ids: The output's token ids, in vLLM's place; None where they are not all there.
        provider: Who answered, where a router says it; "" otherwise, as with all that follows.
        response_id: The provider's id of the answer.
        model: The model that it says it used.
        object: The kind of answer, such as "chat.completion".
        created: When, in seconds since 1970; 0 if it does not say.
    """

    choice: Mapping[str, Any]
    content: str
    reasoning: str
    finish_reason: str | None
    usage: StatedUsage
    token_ids: list[int] | None
    provider: str
    response_id: str
    model: str
    object: str
    created: int


def read_answer(body: Mapping[str, Any]) -> Answer:
    """An answer's JSON object.

    Raises:
        AnswerError: No choice, one that was broken off with an error, one without message and text, or with content or
            reasoning that is no text; or an error beside the choices.
    """
    choice = first_choice(body)
    content, reasoning = _texts(choice)
    return Answer(
        choice=choice,
        content=content,
        reasoning=reasoning,
        finish_reason=_text(choice, "finish_reason") or None,
        usage=StatedUsage.of(body),
        token_ids=_ids(choice.get("token_ids")),
        provider=_text(body, "provider"),
        response_id=_text(body, "id"),
        model=_text(body, "model"),
        object=_text(body, "object"),
        created=whole_number(body.get("created")) or 0,
    )


def first_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice of an answer of any kind.

    Raises:
        AnswerError: There is none, it was broken off with an error, or the answer reports one beside it.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise AnswerError("the answer has no choices")
    choice: Mapping[str, Any] = choices[0]
    if body.get("error") or choice.get("error") or choice.get("finish_reason") == "error":
        raise AnswerError("the provider broke the answer off with an error")
    return choice


def reasoning_is_unsent(body: Mapping[str, Any]) -> bool:
    """Whether an answer says that the model reasoned, and holds no text of it.

    By its count of reasoning tokens, or by parts that stand for reasoning that is encrypted, redacted or summed up. A
    thought that stands in the content is sent.
    """
    try:
        content, reasoning = _texts(first_choice(body))
    except AnswerError:
        return False
    message = body["choices"][0].get("message")
    unsent = isinstance(message, dict) and has_unsent_parts(message)
    if CLOSING_TAG in content or (reasoning and not unsent):
        return False
    return unsent or bool(StatedUsage.of(body).reasoning_tokens)


def _texts(choice: Mapping[str, Any]) -> tuple[str, str]:
    """Those of a chat message, or of a completion."""
    message = choice.get("message")
    if message is None and "text" in choice:
        return as_text(choice["text"]), ""
    if not isinstance(message, dict):
        raise AnswerError("the answer has neither message nor text")
    return message_texts(message)


def _text(values: Mapping[str, Any], name: str) -> str:
    return value if isinstance(value := values.get(name), str) else ""


def _ids(value: object) -> list[int] | None:
    """Token ids: whole numbers that can be one."""
    whole = isinstance(value, list) and all(type(token) is int and 0 <= token <= LARGEST_ID for token in value)
    return value if isinstance(value, list) and whole else None
