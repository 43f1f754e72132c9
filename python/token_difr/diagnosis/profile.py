"""The profile: mismatch rate and margin of the decided tokens of each kind, and where outputs first part.

Each cell is a ratio over sequences, as the verdict's statistics are, and has their intervals: tokens of one answer are not
independent. A cell counts as different where its interval excludes 0 at a level that is shared out among all cells
(Bonferroni), so that an honest run has any such cell in one audit of twenty at most.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from token_difr.diagnosis.contrasts import UNKNOWN, Sums, contrast
from token_difr.diagnosis.kinds import POSITIONS, Kind, groups_of, positions_of
from token_difr.diagnosis.side import Side
from token_difr.records import Contrast, ProfileCell
from token_difr.sequences import Tokenizer

__all__ = ["profile"]

CLIP = 1.0
"""Nats: what is farther counts as that, so that few gross tokens do not decide a cell."""
WRONG_CELL = 0.05
"""The share of honest runs in which any cell differs, at most."""
NEVER = "never"


def profile(candidate: Side, baseline: Side | None, tokenizer: Tokenizer) -> tuple[ProfileCell, ...]:
    """The profile of the candidate beside the baseline's; without cells in which the candidate has nothing."""
    sides = [candidate] if baseline is None else [candidate, baseline]
    counted = [[*_token_cells(side, tokenizer), *_first_partings(side)] for side in sides]
    ours, theirs = counted[0], counted[1] if len(counted) > 1 else [None] * len(counted[0])
    level = WRONG_CELL / max(1, sum(cell.count > 0 for cell in ours))
    return tuple(_cell(mine, other, level) for mine, other in zip(ours, theirs, strict=True) if mine.count)


class _Counted:
    """A cell of one side: its sums."""

    def __init__(self, group: str, name: str, count: int, mismatch: Sums, margin: Sums | None) -> None:
        self.group, self.name, self.count, self.mismatch, self.margin = group, name, count, mismatch, margin


def _cell(mine: _Counted, other: _Counted | None, level: float) -> ProfileCell:
    theirs = None if other is None else other.mismatch
    strict = contrast(mine.mismatch, theirs, 1 - level / 2).difference
    return ProfileCell(
        group=mine.group,
        name=mine.name,
        counts=(mine.count, 0 if other is None else other.count),
        mismatch=contrast(mine.mismatch, theirs),
        margin=_margin(mine, other),
        differs=strict.low > 0 or strict.high < 0,
    )


def _margin(mine: _Counted, other: _Counted | None) -> Contrast:
    if mine.margin is None:
        return Contrast(candidate=UNKNOWN, baseline=UNKNOWN, difference=UNKNOWN)
    return contrast(mine.margin, None if other is None else other.margin)


def _token_cells(side: Side, tokenizer: Tokenizer) -> Iterator[_Counted]:
    for kind in groups_of(side, tokenizer):
        yield _of_kind(side, kind)


def _of_kind(side: Side, kind: Kind) -> _Counted:
    decided = side.decided & kind.inside
    weights = side.positions.summed(decided)
    mismatch = Sums(side.positions.summed(side.mismatched & kind.inside), weights)
    margin = Sums(side.positions.summed(np.minimum(side.positions.margin, CLIP) * decided), weights)
    return _Counted(kind.group, kind.name, int(weights.sum()), mismatch, margin)


def _first_partings(side: Side) -> Iterator[_Counted]:
    """Of all answers with a decided token, where each first parts."""
    known = side.positions.summed(side.decided) > 0
    lost = np.flatnonzero(side.mismatched)
    owners = np.searchsorted(side.scores.sequence_indptr, lost, side="right") - 1
    parted, first = np.unique(owners, return_index=True)
    where = np.full(len(side.lengths), len(POSITIONS))
    where[parted] = positions_of(side.places[lost[first]])
    for label, name in enumerate((*POSITIONS, NEVER)):
        here = known & (where == label)
        sums = Sums(here[known].astype(np.float64), np.ones(int(known.sum())))
        yield _Counted("first parting", name, int(here.sum()), sums, None)
