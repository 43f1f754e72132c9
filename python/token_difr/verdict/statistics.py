"""The statistics that a verdict looks at, as sums a sequence.

Over the positions that could be decided, with the margin bounded from below (``margin_bound``):

* ``clipped_margin_C`` for C in 0.1, 0.25, 0.5, 1, 5 and 30: the mean of ``min(margin, C) / C``. Small C counts
  mismatches of any size, large C weighs the gross ones: quantized weights move many tokens a little, a broken
  sampler moves few tokens far.
* ``mismatch_rate``: the share of positions whose claimed token is not the reference token.

Over all positions that the reference gave a row for:

* ``undecided_rate``: the share that the rows do not settle. Who knows the seed could hide there.

Over sequences instead of positions:

* ``empty_rate``: the share of answers without a token. Who drops the prompts that it would get wrong is seen here.

Over positions that were sampled without a seed that could be replayed, with the surprise (-ln prob minus its
expectation): ``surprise_above`` and ``surprise_below``, the means of its positive and of its negative part. A higher
temperature or other weights raise the first, a lower temperature or a narrower top-p lowers it: these two count in
both directions.

All others grow with divergence. All are token-weighted: the sum over a set of sequences, divided by the number of their
positions that count. The sequence is the unit of sampling, since one deviation changes all that follows it; so
everything downstream works on the sums a sequence that are made here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.records import Scores, ScoreStatus

__all__ = ["CLIPS", "MISMATCH", "STATISTICS", "TWO_SIDED", "SequenceSums", "sequence_sums"]

CLIPS = (0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
MISMATCH = "mismatch_rate"
UNDECIDED = "undecided_rate"
EMPTY = "empty_rate"
TWO_SIDED = ("surprise_above", "surprise_below")
STATISTICS = (*(f"clipped_margin_{clip:g}" for clip in CLIPS), MISMATCH, UNDECIDED, EMPTY, *TWO_SIDED)
DECIDED = (ScoreStatus.SCORED, ScoreStatus.FILTERED, ScoreStatus.CENSORED)

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SequenceSums:
    """Sums of each statistic over each sequence.

    Attributes:
        totals: float64[sequences, statistics], in the order of ``STATISTICS``.
        weights: float64[sequences, statistics]; the number of positions that count, each statistic's denominator.
    """

    totals: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    @property
    def sequences(self) -> int:
        """The number of sequences with at least one position that counts."""
        return int(np.count_nonzero(np.delete(self.weights, STATISTICS.index(EMPTY), axis=1).any(axis=1)))

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """float64[statistics]: the token-weighted means; NaN without positions that count."""
        counts = self.weights.sum(axis=0)
        means = np.full(len(STATISTICS), np.nan)
        np.divide(self.totals.sum(axis=0), counts, out=means, where=counts > 0)
        return means

    @property
    def decided(self) -> npt.NDArray[np.float64]:
        """float64[sequences]: the number of decided positions."""
        return self.column(MISMATCH)[1]

    def take(self, sequences: npt.ArrayLike) -> SequenceSums:
        """The sums of the sequences with these indexes, in their order."""
        indexes = np.asarray(sequences)
        return SequenceSums(self.totals[indexes], self.weights[indexes])

    def column(self, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """One statistic's totals and weights, each float64[sequences]."""
        column = STATISTICS.index(name)
        return self.totals[:, column], self.weights[:, column]


def sequence_sums(scores: Scores) -> SequenceSums:
    """The sums of each statistic over each sequence of ``scores``."""
    lengths = np.diff(scores.sequence_indptr)
    owner = np.repeat(np.arange(len(lengths)), lengths)

    def summed(column: Column) -> Column:
        return np.bincount(owner, weights=column, minlength=len(lengths)).astype(np.float64)

    def sums(pairs: list[tuple[Column, Column]]) -> list[tuple[Column, Column]]:
        return [(summed(values), summed(counts)) for values, counts in pairs]

    empty = ((lengths == 0).astype(np.float64), np.ones(len(lengths)))
    columns = [*sums([*_margin_columns(scores), _undecided_column(scores)]), empty, *sums(_surprise_columns(scores))]
    return SequenceSums(
        totals=np.stack([totals for totals, _ in columns], axis=1),
        weights=np.stack([weights for _, weights in columns], axis=1),
    )


def _margin_columns(scores: Scores) -> list[tuple[Column, Column]]:
    """Value and weight of every position, for each clip and for the mismatch rate."""
    decided = np.isin(scores.status, DECIDED)
    margin = np.where(decided, scores.margin_bound, 0.0).astype(np.float64)
    columns = [np.minimum(margin, clip) / clip for clip in CLIPS]
    columns.append((decided & ~scores.exact_match).astype(np.float64))
    weight = decided.astype(np.float64)
    return [(column, weight) for column in columns]


def _undecided_column(scores: Scores) -> tuple[Column, Column]:
    undecided = scores.status == ScoreStatus.UNDECIDED
    replayed = undecided | np.isin(scores.status, DECIDED)
    return undecided.astype(np.float64), replayed.astype(np.float64)


def _surprise_columns(scores: Scores) -> list[tuple[Column, Column]]:
    unreplayed = (scores.status == ScoreStatus.UNREPLAYED) & np.isfinite(scores.surprise)
    surprise = np.where(unreplayed, scores.surprise, 0.0).astype(np.float64)
    weight = unreplayed.astype(np.float64)
    return [(np.maximum(surprise, 0.0), weight), (np.maximum(-surprise, 0.0), weight)]
