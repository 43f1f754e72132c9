"""The sums of each statistic over each sequence: all that tests and intervals see of the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.records import Scores
from token_difr.verdict.positions import Floats, Positions
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS, Statistic

__all__ = ["SequenceSums", "sequence_sums"]


@dataclass(frozen=True, slots=True)
class SequenceSums:
    """Sums of each statistic over each sequence.

    Attributes:
        totals: float64[sequences, statistics]; the sums of each statistic's values, in its unit.
        weights: float64[sequences, statistics]; how much counts in each sequence, each statistic's denominator.
        statistics: The statistics, one a column; ``MISMATCH_RATE`` is one of them.
    """

    totals: Floats
    weights: Floats
    statistics: tuple[Statistic, ...] = STATISTICS

    @property
    def sequences(self) -> int:
        """The number of sequences with at least one position that counts."""
        of_positions = [statistic.per == "position" for statistic in self.statistics]
        return int(np.count_nonzero(self.weights[:, of_positions].any(axis=1)))

    @property
    def means(self) -> Floats:
        """float64[statistics]: each statistic over all sequences, in its unit; NaN where nothing counts."""
        counts = self.weights.sum(axis=0)
        means = np.full(len(self.statistics), np.nan)
        np.divide(self.totals.sum(axis=0), counts, out=means, where=counts > 0)
        return means

    @property
    def decided(self) -> Floats:
        """float64[sequences]: the number of decided positions."""
        return self.column(MISMATCH_RATE)[1]

    @property
    def mismatch_rate(self) -> float:
        """The share of decided positions that mismatch; NaN where none is decided."""
        return float(self.means[self.index(MISMATCH_RATE)])

    def index(self, statistic: Statistic) -> int:
        """The column of ``statistic``."""
        return self.statistics.index(statistic)

    def column(self, statistic: Statistic) -> tuple[Floats, Floats]:
        """One statistic's totals and weights, each float64[sequences]."""
        index = self.index(statistic)
        return self.totals[:, index], self.weights[:, index]

    def take(self, sequences: npt.ArrayLike) -> SequenceSums:
        """The sums of the sequences with these indexes, in their order."""
        indexes = np.asarray(sequences)
        return SequenceSums(self.totals[indexes], self.weights[indexes], self.statistics)


def sequence_sums(scores: Scores, statistics: tuple[Statistic, ...] = STATISTICS) -> SequenceSums:
    """The sums of each of ``statistics`` over each sequence of ``scores``."""
    positions = Positions(scores)
    totals, weights = zip(*(statistic.sums(positions) for statistic in statistics), strict=True)
    return SequenceSums(np.stack(totals, axis=1), np.stack(weights, axis=1), statistics)
