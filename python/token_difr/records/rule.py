"""By which rule a candidate is judged against a baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from token_difr.errors import InputError

__all__ = ["Rule"]

LARGEST_SEED = 2**63 - 2
"""The test of the prompts takes the next seed, and JSON readers take no larger ones."""

UNSEEN = 0.05
"""The chance that a loss of the whole tolerance in wholly misserved requests may go unseen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """By which rule a candidate is judged: the same scores under the same rule come to the same verdict, to the bit.

    Attributes:
        level: Rate of false alarms, in [2 / (1 + ``permutations``), 1): a candidate whose p-value lies below it is
            *divergent*.
        tolerance: The loss of match rate that *consistent* excludes, as a share in (0, 1]: 0.02 is two points.
        lowest_baseline_match: The share of decided tokens, in [0, 1], that the baseline must match in: a reference that
            does not agree with a provider that is trusted shows nothing. Without a replay, the likelihood of the
            baseline's tokens over the one that the reference expects of them (the geometric mean over the tokens).
        most_left_out: The share, in [0, 1], of tokens (unscored, undecided, improper rows) and of answers (withheld) that
            either side may lack.
        permutations: Deals of the permutation test, at least 2.
        most_permutations: Deals where the first ones leave open on which side of the level the p-value lies, at least
            ``permutations``.
        seed: Seed of the deals, in [0, 2^63 - 2].

    Raises:
        InputError: A value outside its range; the message names it.
    """

    level: float = 0.01
    tolerance: float = 0.02
    lowest_baseline_match: float = 0.5
    most_left_out: float = 0.2
    permutations: int = 9_999
    most_permutations: int = 99_999
    seed: int = 0

    def __post_init__(self) -> None:
        if self.permutations < 2:
            raise InputError(f"permutations must be at least 2, not {self.permutations!r}")
        # What was seen counts as one deal more: p-values are the multiples of 1 / (1 + permutations). From twice that
        # on, at least one of them lies below the level; at a lower one nothing could ever be divergent.
        lowest = 2 / (1 + self.permutations)
        if not lowest <= self.level < 1:
            raise InputError(
                f"level must lie in [{lowest:g}, 1), the least that the permutations tell, not {self.level!r}"
            )
        if not 0 < self.tolerance <= 1:
            raise InputError(f"tolerance must lie in (0, 1], not {self.tolerance!r}: 0.02 is two points")
        for name in ("lowest_baseline_match", "most_left_out"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in [0, 1], not {getattr(self, name)!r}")
        if self.most_permutations < self.permutations:
            raise InputError(
                f"most_permutations must be at least permutations, {self.permutations}, not {self.most_permutations!r}"
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise InputError(f"seed must lie between 0 and {LARGEST_SEED}, not {self.seed!r}")

    @property
    def fewest_sequences(self) -> int:
        """Sequences with decided tokens that *consistent* needs on each side: 149 for a tolerance of two points.

        A provider that misserves a share q of its requests, wholly, loses up to q in match rate, and goes unseen in n
        answers with probability (1 - q)^n, whatever the bound. So that a loss of the tolerance d goes unseen in 5 % at
        most, (1 - d)^n <= 0.05.
        """
        return 1 if self.tolerance == 1 else max(1, math.ceil(math.log(UNSEEN) / math.log1p(-self.tolerance)))

    @classmethod
    def of(cls, rule: Rule | None = None, *, level: float | None = None, seed: int | None = None) -> Rule:
        """``rule`` (None = the default one), with ``level`` and ``seed`` for its own where they are given.

        Raises:
            InputError: See the class.
        """
        given: dict[str, Any] = {"level": level, "seed": seed}
        return replace(rule or cls(), **{name: value for name, value in given.items() if value is not None})
