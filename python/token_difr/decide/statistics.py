"""The seven statistics that a verdict looks at, as sums a sequence.

Over the positions that could be decided, with the margin bounded from below (``margin_bound``):

* ``clipped_margin_C`` for C in 0.1, 0.25, 0.5, 1, 5 and 30: the mean of ``min(margin, C) / C``. Small C counts
  mismatches of any size, large C weighs the gross ones: quantized weights move many tokens a little, a broken
  sampler moves few tokens far.
* ``mismatch_rate``: the share of positions whose claimed token is not the reference token.

Each lies between 0 and 1 and grows with divergence. All are token-weighted: the sum over a set of sequences,
divided by the number of their decided positions. The sequence is the unit of sampling, since one deviation
changes all that follows it; so everything downstream works on the sums a sequence that are made here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.score import Scores, ScoreStatus

__all__ = ["CLIPS", "MISMATCH", "STATISTICS", "SequenceSums", "sequence_sums"]

CLIPS = (0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
MISMATCH = "mismatch_rate"
STATISTICS = (*(f"clipped_margin_{clip:g}" for clip in CLIPS), MISMATCH)
DECIDED = (ScoreStatus.SCORED, ScoreStatus.FILTERED, ScoreStatus.CENSORED)


@dataclass(frozen=True, slots=True)
class SequenceSums:
    """Sums of each statistic over each sequence.

    Attributes:
        totals: float64[sequences, statistics], in the order of ``STATISTICS``.
        decided: float64[sequences]; the number of decided positions, the denominator of every statistic.
    """

    totals: npt.NDArray[np.float64]
    decided: npt.NDArray[np.float64]

    @property
    def sequences(self) -> int:
        """The number of sequences with at least one decided position."""
        return int(np.count_nonzero(self.decided))

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """float64[statistics]: the token-weighted means; NaN without decided positions."""
        count = self.decided.sum()
        return self.totals.sum(axis=0) / count if count else np.full(len(STATISTICS), np.nan)

    @property
    def denominators(self) -> npt.NDArray[np.float64]:
        """float64[sequences, statistics]: ``decided``, once for each statistic."""
        return np.repeat(self.decided[:, None], len(STATISTICS), axis=1)


def sequence_sums(scores: Scores) -> SequenceSums:
    """The sums of each statistic over each sequence of ``scores``."""
    decided = np.isin(scores.status, DECIDED)
    margin = np.where(decided, scores.margin_bound, 0.0).astype(np.float64)
    columns = [np.minimum(margin, clip) / clip for clip in CLIPS]
    columns.append((decided & ~scores.exact_match).astype(np.float64))
    lengths = np.diff(scores.sequence_indptr)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    totals = [np.bincount(owner, weights=column, minlength=len(lengths)) for column in columns]
    return SequenceSums(
        totals=np.stack(totals, axis=1),
        decided=np.bincount(owner, weights=decided, minlength=len(lengths)).astype(np.float64),
    )
