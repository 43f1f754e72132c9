"""What a run's answers have cost, and whether further ones may still be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from token_difr.errors import InputError
from token_difr.run.directory import RunDirectory
from token_difr.services import Prices, StatedUsage

__all__ = ["Ceiling", "Spent", "spent_on"]


class Spent(NamedTuple):
    """What a run has taken so far, in this call and all before.

    Attributes:
        tokens: Of prompts and answers: by the provider's count, else by ours.
        cost: By what the provider says it charged, else at the prices that are known; None where neither is.
    """

    tokens: int
    cost: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceiling:
    """The most that an audit until a verdict may take; a request is sent only if it cannot go beyond that.

    Attributes:
        cost: In the currency of the prices; None = any.
        tokens: Of prompts and answers; None = any.
        prices: What the provider's tokens cost; None = not known.

    Raises:
        InputError: A ceiling that is not above 0, or one of cost without prices.
    """

    cost: float | None = None
    tokens: int | None = None
    prices: Prices | None = None

    def __post_init__(self) -> None:
        for name, value in (("cost", self.cost), ("tokens", self.tokens)):
            if value is not None and not value > 0:
                raise InputError(f"the ceiling of {name} must be above 0, not {value!r}")
        if self.cost is not None and self.prices is None:
            raise InputError("a ceiling of the cost takes the prices of input and output, to keep below it")

    def affordable(self, spent: Spent, prompt_lengths: Sequence[int], max_tokens: int) -> int:
        """How many of the next prompts, from the first on, may be asked for whatever their answers' lengths.

        Args:
            spent: What the run has taken so far.
            prompt_lengths: In tokens, of the prompts that come next.
            max_tokens: The longest answer.
        """
        tokens, cost = spent.tokens, spent.cost or 0.0
        for count, length in enumerate(prompt_lengths):
            tokens += length + max_tokens
            cost += 0.0 if self.prices is None else self.prices.cost(length, max_tokens)
            if (self.tokens is not None and tokens > self.tokens) or (self.cost is not None and cost > self.cost):
                return count
        return len(prompt_lengths)


def spent_on(run: RunDirectory, prices: Prices | None) -> Spent:
    """What the answers of ``run`` have taken; a cost only where all of it is known."""
    sequences = run.sequences()
    tokens, cost = 0, 0.0
    known = True
    for index, response in run.responses().items():
        usage, ours = StatedUsage.of(response.body), sequences.get(index)
        read = usage.prompt_tokens or (0 if ours is None else len(ours.prompt_token_ids))
        written = usage.completion_tokens or (0 if ours is None else len(ours.output_token_ids))
        tokens += read + written
        known = known and (usage.cost_usd is not None or prices is not None)
        if usage.cost_usd is not None:
            cost += usage.cost_usd
        elif prices is not None:
            cost += prices.cost(read, written)
    return Spent(tokens, cost if known else None)
