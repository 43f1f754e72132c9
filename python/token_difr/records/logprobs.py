"""Logprobs token by token, whichever form a provider wrote them in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Logprobs"]


@dataclass(frozen=True, kw_only=True)
class Logprobs:
    """Logprobs token by token, in nats; with ``echo`` the prompt's first.

    Attributes:
        tokens: The tokens' text.
        token_logprobs: Of each token; None where the provider gave none, as for the prompt's first, or none that is
            finite.
        top_logprobs: The likeliest tokens at each place, text -> logprob. Texts may collide: ``candidates`` keeps all.
        candidates: The same as (token id or None, text, logprob), likeliest first, ties in the provider's order.
        text_offset: Where each token begins in the text, in characters; empty if unknown.
        token_ids: Of each token; empty if unknown.
        num_prompt_tokens: How many of them are the prompt's: 0 without ``echo``.
    """

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float]] = field(default_factory=list)
    candidates: list[list[tuple[int | None, str, float]]] = field(default_factory=list)
    text_offset: list[int] = field(default_factory=list)
    token_ids: list[int] = field(default_factory=list)
    num_prompt_tokens: int = 0

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def prompt_length(self) -> int:
        """Length of the prompt in characters, where ``text_offset`` tells it; else 0."""
        beyond = self.text_offset[self.num_prompt_tokens : self.num_prompt_tokens + 1]
        return beyond[0] if beyond else 0

    def prompt(self) -> Logprobs:
        """The prompt's part."""
        return self._part(slice(0, self.num_prompt_tokens), self.num_prompt_tokens)

    def generation(self) -> Logprobs:
        """The answer's part."""
        return self._part(slice(self.num_prompt_tokens, None), 0)

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return dataclasses.asdict(self)

    def _part(self, places: slice, num_prompt_tokens: int) -> Logprobs:
        lists = {each.name: getattr(self, each.name)[places] for each in dataclasses.fields(self)[:-1]}
        return Logprobs(**lists, num_prompt_tokens=num_prompt_tokens)
