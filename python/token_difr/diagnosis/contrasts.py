"""Rates of both sides beside each other, with the sequence as the unit: the verdict's own intervals, at any level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from token_difr.records import Contrast, Estimate
from token_difr.verdict.intervals import TWO_SIDED, difference_interval, interval
from token_difr.verdict.positions import Floats
from token_difr.verdict.statistics import Columns, Statistic
from token_difr.verdict.sums import SequenceSums

__all__ = ["UNKNOWN", "Sums", "contrast", "excess"]

UNKNOWN = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a rate of one side is made of.

    Attributes:
        totals: float64[sequences]; the sums of what is counted.
        weights: float64[sequences]; of how much.
        unit: "share" where a value lies in [0, 1], else "nats" or "tokens": any number.
    """

    totals: Floats
    weights: Floats
    unit: Literal["share", "nats", "tokens"] = "share"

    @classmethod
    def of(cls, values: npt.ArrayLike, *, unit: Literal["share", "nats", "tokens"] = "share") -> Sums:
        """One value a sequence."""
        totals = np.asarray(values, np.float64)
        return cls(totals, np.ones_like(totals), unit)

    def estimate(self, quantile: float = TWO_SIDED) -> Estimate:
        """The rate, each end of its interval at the t distribution's ``quantile``."""
        statistic = Statistic(name="rate", unit=self.unit, gloss="", columns=_no_columns)
        return interval(
            SequenceSums(self.totals[:, None], self.weights[:, None], (statistic,)), statistic, quantile=quantile
        )


def contrast(ours: Sums, theirs: Sums | None, quantile: float = TWO_SIDED) -> Contrast:
    """Both rates, and how far they are apart; nothing of a baseline where there is none."""
    mine, other = ours.estimate(quantile), UNKNOWN if theirs is None else theirs.estimate(quantile)
    if math.isnan(mine.value) or math.isnan(other.value):
        return Contrast(candidate=mine, baseline=other, difference=UNKNOWN)
    difference = Estimate(mine.value - other.value, *difference_interval(mine, other))
    return Contrast(candidate=mine, baseline=other, difference=difference)


def excess(ours: Sums, theirs: Sums | None, level: float) -> float:
    """The lower bound of the difference, which an honest side exceeds with probability ``level``; NaN without a baseline."""
    return contrast(ours, theirs, 1 - level).difference.low


def _no_columns(_: object) -> Columns:
    raise NotImplementedError
