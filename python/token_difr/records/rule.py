"""By which rule a candidate is judged against a baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from token_difr.errors import InputError

__all__ = ["Rule"]

LARGEST_SEED = 2**63 - 2
"""The baseline's bootstrap takes the next seed, and the native core takes no larger ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """By which rule a candidate is judged: the same scores under the same rule come to the same verdict, to the bit.

    Attributes:
        level: Rate of false alarms, in [2 / (1 + ``permutations``), 1): a candidate whose p-value lies below it is
            *divergent*.
        tolerance: The loss of match rate that *consistent* excludes, as a share in (0, 1]: 0.02 is two points.
        fewest_sequences: Sequences with decided tokens that *consistent* needs on each side, at least 1.
        permutations: Deals of the permutation test, at least 2.
        resamples: Draws of the cluster bootstrap behind every interval, at least 1.
        seed: Seed of the permutations and of the bootstrap, in [0, 2^63 - 2].

    Raises:
        InputError: A value outside its range; the message names it.
    """

    level: float = 0.01
    tolerance: float = 0.02
    fewest_sequences: int = 30
    permutations: int = 1999
    resamples: int = 1999
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
        if self.fewest_sequences < 1:
            raise InputError(f"fewest_sequences must be at least 1, not {self.fewest_sequences!r}")
        if self.resamples < 1:
            raise InputError(f"resamples must be at least 1, not {self.resamples!r}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise InputError(f"seed must lie between 0 and {LARGEST_SEED}, not {self.seed!r}")

    @classmethod
    def of(cls, rule: Rule | None = None, *, level: float | None = None, seed: int | None = None) -> Rule:
        """``rule`` (None = the default one), with ``level`` and ``seed`` for its own where they are given.

        Raises:
            InputError: See the class.
        """
        given: dict[str, Any] = {"level": level, "seed": seed}
        return replace(rule or cls(), **{name: value for name, value in given.items() if value is not None})
