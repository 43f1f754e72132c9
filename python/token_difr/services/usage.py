"""What an answer says that it used: the one reader of ``usage``, for chat answers, completions and broken ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from token_difr.untrusted import money, token_count

__all__ = ["StatedUsage"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedUsage:
    """Tokens and cost by the provider's word; None where it gave none, or what is no count.

    Attributes:
        prompt_tokens: Of the prompt.
        completion_tokens: Of the answer, reasoning included.
        total_tokens: Of both.
        reasoning_tokens: Of the answer's reasoning alone.
        cost_usd: What was charged, in US dollars.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """That of an answer, whatever else is wrong with the answer."""
        given = body.get("usage")
        if not isinstance(given, Mapping):
            return cls()
        details = given.get("completion_tokens_details")
        within = details if isinstance(details, Mapping) else given  # some count it beside the others
        return cls(
            prompt_tokens=token_count(given.get("prompt_tokens")),
            completion_tokens=token_count(given.get("completion_tokens")),
            total_tokens=token_count(given.get("total_tokens")),
            reasoning_tokens=token_count(within.get("reasoning_tokens")),
            cost_usd=money(given.get("cost")),
        )

    @property
    def is_priceable(self) -> bool:
        """Whether the cost follows from it: it is said, or both counts are."""
        return self.cost_usd is not None or None not in {self.prompt_tokens, self.completion_tokens}
