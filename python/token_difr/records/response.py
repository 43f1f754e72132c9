"""What is sent to a provider and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

__all__ = ["Conversation", "Message", "Response"]

Message = dict[str, Any]
"""One chat message in OpenAI's form: ``{"role": ..., "content": ...}``."""

Conversation = list[Message]
"""Messages in order; the last one is the user's."""

ENDED = frozenset({"stop", "eos", "eos_token", "end_turn", "end_of_turn", "complete", "completed"})
"""What servers call an output that came to its end: OpenAI's word, TGI's, Anthropic's, Cohere's; in lower case."""

CUT = frozenset({"length", "max_tokens", "max_output_tokens", "max_length", "model_length"})
"""What they call one that a limit cut: OpenAI's word, Anthropic's and Cohere's, others', Mistral's."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """A provider's answer to one conversation of an audit: the whole of it, and what the stages after it need.

    Attributes:
        index: Which of the audit's prompts this answers, from 0.
        content: The answer's text, exactly as the provider sent it; untrusted wherever it is shown.
        reasoning: Reasoning text from a separate field, or "".
        finish_reason: The provider's word: "stop", "length", ...; None if it gave none.
        prompt_tokens: Length of the prompt by the provider's ``usage``; None if it gave none.
        completion_tokens: Length of the answer by the provider's ``usage``; None if it gave none.
        sent: The request's fields beside model and messages, where they are known.
        body: The whole answer as parsed JSON: it was paid for, so nothing of it is thrown away.
    """

    index: int
    content: str
    reasoning: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    sent: dict[str, Any] = field(default_factory=dict, repr=False)
    body: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def choice(self) -> Mapping[str, Any]:
        """The first choice of ``body``; empty where there is none."""
        choices = self.body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        return choice if isinstance(choice, dict) else {}

    @property
    def ended(self) -> bool | None:
        """Whether the output came to its end by itself; False = a limit cut it, None = the finish reason does not tell."""
        word = (self.finish_reason or "").lower()
        return True if word in ENDED else False if word in CUT else None

    def to_dict(self) -> dict[str, Any]:
        """All fields by name, as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`."""
        return cls(**d)
