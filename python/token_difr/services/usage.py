"""What an answer says that it used: the one reader of ``usage``, for chat answers, completions and broken ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["StatedUsage", "whole_number"]


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
            prompt_tokens=whole_number(given.get("prompt_tokens")),
            completion_tokens=whole_number(given.get("completion_tokens")),
            total_tokens=whole_number(given.get("total_tokens")),
            reasoning_tokens=whole_number(within.get("reasoning_tokens")),
            cost_usd=_money(given.get("cost")),
        )

    @property
    def is_priceable(self) -> bool:
        """Whether the cost follows from it: it is said, or both counts are."""
        return self.cost_usd is not None or None not in {self.prompt_tokens, self.completion_tokens}


def whole_number(value: object) -> int | None:
    """A count of at least 0, which some write with a decimal point; None for anything else, truth values among it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return int(value) if isinstance(value, int) or value.is_integer() else None


def _money(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) and value >= 0 else None
    except OverflowError:  # more digits than a float has
        return None
