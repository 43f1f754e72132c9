"""What the search for causes looks at: both sides, and by how much the candidate parts more than its baseline."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from token_difr.diagnosis.contrasts import Sums, excess
from token_difr.diagnosis.side import Side
from token_difr.sequences import Tokenizer
from token_difr.verdict.matching import match
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS

__all__ = ["Case"]

SURPRISE = next(statistic for statistic in STATISTICS if statistic.name == "surprise_above")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A candidate beside its baseline.

    Attributes:
        candidate: The candidate.
        baseline: The baseline, without which no cause is named.
        tokenizer: The model's tokenizer.
        warned: The names of the findings on the candidate that are warnings.
        pairs: int64[n, 2]; indexes (candidate, baseline) of the answers to the same prompt; None = other prompts.
        level: With which probability one test of an honest side gives a cause its ground, at most.
    """

    candidate: Side
    baseline: Side
    tokenizer: Tokenizer
    warned: Collection[str]
    pairs: npt.NDArray[np.int64] | None
    level: float

    @cached_property
    def parts_more(self) -> bool:
        """Whether the candidate's outputs part from the reference more than the baseline's.

        On answers made alike as the verdict makes them. Where nothing was replayed: whether its tokens are more surprising.
        """
        statistic = MISMATCH_RATE if self.candidate.decided.any() else SURPRISE
        matched = match(self.candidate.scores, self.baseline.scores, self.pairs, (MISMATCH_RATE, statistic))
        sides = (Sums(*side.column(statistic), statistic.unit) for side in (matched.candidate, matched.baseline))
        return excess(*sides, self.level) > 0

    def excess(self, ours: Sums, theirs: Sums) -> float:
        """The lower bound by which a rate of the candidate's lies above the baseline's; NaN where one is not known."""
        return excess(ours, theirs, self.level)
