"""One side of a diagnosis: its records and its scores, with the views that profile and causes share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from token_difr.findings import Evidence
from token_difr.records import Scores
from token_difr.verdict.positions import Flags, Positions

__all__ = ["Indexes", "Side"]

Indexes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Side:
    """The candidate, or the baseline.

    Attributes:
        evidence: Its records.
        scores: The scores of the rows that are among them.
    """

    evidence: Evidence
    scores: Scores

    @cached_property
    def positions(self) -> Positions:
        """Its scores, as statistics read them."""
        return Positions(self.scores)

    @cached_property
    def decided(self) -> Flags:
        """bool[positions]: whether it is known that the claimed token won or lost."""
        return self.positions.decided

    @cached_property
    def mismatched(self) -> Flags:
        """bool[positions]: whether it is known that it lost."""
        return self.decided & ~self.scores.exact_match

    @property
    def claimed(self) -> npt.NDArray[np.uint32]:
        """uint32[positions]: the provider's tokens."""
        return self.evidence.batch.claimed

    @property
    def starts(self) -> Indexes:
        """int64[sequences]: the first position of each sequence, or of the next one that has any."""
        return self.scores.sequence_indptr[:-1]

    @property
    def lengths(self) -> Indexes:
        """int64[sequences]: how many positions each sequence has."""
        return self.positions.lengths

    @cached_property
    def places(self) -> Indexes:
        """int64[positions]: where in its output each token stands, from 0."""
        return np.arange(len(self.scores.status)) - np.repeat(self.starts, self.lengths)

    @cached_property
    def last(self) -> Flags:
        """bool[positions]: whether a token is the last of its output."""
        last: Flags = self.places == np.repeat(self.lengths, self.lengths) - 1
        return last

    @cached_property
    def before(self) -> Indexes:
        """int64[positions]: the position of the token before; -1 for the first of an output."""
        return np.where(self.places > 0, np.arange(len(self.places)) - 1, -1)
