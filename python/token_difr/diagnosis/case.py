"""What the search for causes looks at: both sides, the verdict's comparison of them, and the findings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from token_difr.diagnosis.contrasts import Sums, excess
from token_difr.diagnosis.side import Side
from token_difr.records import Comparison
from token_difr.sequences import Tokenizer

__all__ = ["Case"]

WITHHELD = "withheld_rate"
"""The verdict's statistic of answers whose own tokens are not known."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A candidate beside its baseline.

    Attributes:
        candidate: The candidate.
        baseline: The baseline, without which no cause is named.
        comparison: The verdict's comparison of both.
        tokenizer: The model's tokenizer.
        warned: The names of the findings on the candidate that are warnings.
        level: With which probability one test of an honest side gives a cause its ground, at most.
    """

    candidate: Side
    baseline: Side
    comparison: Comparison
    tokenizer: Tokenizer
    warned: Collection[str]
    level: float

    @property
    def differs(self) -> bool:
        """Whether the candidate's answers differ from the baseline's, by the verdict's own test."""
        return self.comparison.p_value < self.level

    @property
    def withholds(self) -> bool:
        """Whether more of the candidate's answers cannot be scored."""
        return any(each.name == WITHHELD and each.p_value < self.level for each in self.comparison.statistics)

    def excess(self, ours: Sums, theirs: Sums) -> float:
        """The lower bound of a rate of the candidate's, above 0 and above the baseline's; NaN where one is not known.

        Of a rate that is a difference the baseline's may lie below 0, and then being above that says nothing.
        """
        return float(np.minimum(ours.estimate(1 - self.level).low, excess(ours, theirs, self.level)))
