"""The texts of a chat message: what the model answered, and what it thought.

Content may be a text or a list of parts, and reasoning stands in a field, in a list of details, or among the parts. What
is neither null nor text nor a list of known parts is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from token_difr.errors import AnswerError

__all__ = ["as_text", "has_unsent_parts", "message_texts"]

REASONING = ("reasoning", "reasoning_content", "thinking")
"""Fields of reasoning as a text: OpenRouter's and newer servers', vLLM's and DeepSeek's older one, Ollama's."""

DETAILS = ("reasoning_details", "thinking_blocks")
"""Fields of reasoning as a list of parts: OpenRouter's, LiteLLM's."""

TEXTS: Mapping[str, str] = MappingProxyType({"text": "text", "output_text": "text", "refusal": "refusal"})
"""Types of parts that are content, and where each has its text."""

THOUGHTS: Mapping[str, str] = MappingProxyType(
    {"thinking": "thinking", "reasoning": "reasoning", "reasoning_text": "text", "reasoning.text": "text"}
)
"""Types of parts that are reasoning; the text may itself be a list of text parts (Mistral's)."""

UNSENT: Mapping[str, str] = MappingProxyType(
    {"redacted_thinking": "data", "reasoning.encrypted": "data", "reasoning.summary": "summary"}
)
"""Types of parts that stand for reasoning whose text is not sent, and where each has what stands for it."""

SEALS = ("encrypted_content", "reasoning_opaque", "thought_signature", "thinking_signature")
"""Fields that are there because the model thought: a check of the thought's text, or the thought in a form of the
service's own. Where one has no text beside it, the text is not sent."""


def message_texts(message: Mapping[str, Any]) -> tuple[str, str]:
    """Content and separate reasoning of a chat message.

    A refusal (OpenAI's ``refusal``) is what the model wrote where there is no content. The first place with reasoning
    that is not empty counts: servers that have renamed theirs send both.

    Raises:
        AnswerError: One of them is no text.
    """
    content = as_text(message.get("content")) or as_text(message.get("refusal"))
    return content, next(filter(None, _reasonings(message)), "")


def as_text(value: object) -> str:
    """A text; null is an empty one, and the parts that are content are one.

    Raises:
        AnswerError: It is none.
    """
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_part(part) for part in value if _type(part) not in {*THOUGHTS, *UNSENT})
    if not isinstance(value, str):
        raise AnswerError("the answer's content is not text")
    return value


def has_unsent_parts(message: Mapping[str, Any]) -> bool:
    """Whether parts of the message stand for reasoning whose text is not sent: encrypted, redacted or summed up."""
    lists = [given for name in ("content", *REASONING, *DETAILS) if isinstance(given := message.get(name), list)]
    if any(_is_unsent(part) for parts in lists for part in parts if isinstance(part, dict)):
        return True
    return any(message.get(seal) for seal in SEALS) and not any(_reasonings(message))


def _is_unsent(part: Mapping[str, Any]) -> bool:
    kind = _type(part)
    if kind in UNSENT:
        return bool(part.get(UNSENT[kind]))
    return kind in THOUGHTS and not _thought(part) and any(part.get(seal) for seal in (*SEALS, "signature", "summary"))


def _reasonings(message: Mapping[str, Any]) -> Iterator[str]:
    for name in REASONING:
        yield as_text(message.get(name))
    for name in (*DETAILS, "content"):
        given = message.get(name)
        yield "".join(map(_thought, given)) if isinstance(given, list) else ""


def _part(part: object) -> str:
    text = part.get(TEXTS.get(_type(part), "")) if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise AnswerError("the answer's content is not text: one of its parts is none")
    return text


def _thought(part: object) -> str:
    kind = _type(part)
    if not isinstance(part, dict) or kind not in THOUGHTS:
        return ""
    return as_text(part.get(THOUGHTS[kind], part.get("text")))


def _type(part: object) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else ""
