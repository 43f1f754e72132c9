"""Scores as statistics read them: each view made once, for all statistics together."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from token_difr.records import Scores, ScoreStatus

__all__ = ["Positions"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DECIDED = [status for status in ScoreStatus if status.decided]


class Positions:
    """The positions of some sequences.

    Args:
        scores: Their scores, whose columns are here as ``scores``.
    """

    def __init__(self, scores: Scores) -> None:
        self.scores = scores

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """int64[sequences]: the number of positions of each sequence, 0 for an empty answer."""
        return np.diff(self.scores.sequence_indptr)

    @cached_property
    def decided(self) -> Flags:
        """bool[positions]: whether it is known that the claimed token won or lost."""
        return np.isin(self.scores.status, DECIDED)

    @cached_property
    def undecided(self) -> Flags:
        """bool[positions]: whether the reference gave a row that does not settle it."""
        return np.isin(self.scores.status, ScoreStatus.UNDECIDED)

    @cached_property
    def margin(self) -> Floats:
        """float64[positions], nats: the margin, bounded from below; 0 where nothing is decided."""
        return np.where(self.decided, self.scores.margin_bound, 0.0).astype(np.float64)

    @cached_property
    def unreplayed(self) -> Flags:
        """bool[positions]: whether it was sampled without a seed that could be replayed, and its surprise is known."""
        known: Flags = np.isfinite(self.scores.surprise)
        return np.isin(self.scores.status, ScoreStatus.UNREPLAYED) & known

    @cached_property
    def withheld(self) -> Flags:
        """bool[sequences]: whether the sequence's tokens are not known for certain; False where nothing is known of it."""
        withheld = self.scores.withheld
        return np.zeros(len(self.lengths), np.bool_) if withheld is None else withheld

    @cached_property
    def unread(self) -> Flags:
        """bool[sequences]: whether the reference could not read the sequence as it was sent."""
        unread = self.scores.unread
        return np.zeros(len(self.lengths), np.bool_) if unread is None else unread

    @cached_property
    def percentile(self) -> Floats:
        """float64[positions]: the randomized percentile of what was not replayed; NaN where it is not known."""
        if self.scores.percentile is None:
            return np.full(len(self.scores.status), np.nan)
        return np.where(self.unreplayed, self.scores.percentile, np.nan).astype(np.float64)

    @cached_property
    def surprise(self) -> Floats:
        """float64[positions], nats: -ln prob minus its expectation; 0 where it is not known."""
        return np.where(self.unreplayed, self.scores.surprise, 0.0).astype(np.float64)

    def summed(self, values: npt.NDArray[np.generic]) -> Floats:
        """float64[sequences]: the sums over each sequence of ``values``, one value a position."""
        return np.bincount(self._owners, weights=values, minlength=len(self.lengths)).astype(np.float64)

    @cached_property
    def _owners(self) -> npt.NDArray[np.int64]:
        """int64[positions]: the sequence that each position belongs to."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)
