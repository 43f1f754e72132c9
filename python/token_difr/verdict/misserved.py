"""How large a share of the requests could be wholly misserved, of which these answers show few or none.

An answer of another model, or to another prompt, mismatches in most of its tokens. A few of them among many good answers are
where an interval from sums of squares fails: one such answer in 150 shows no scatter to speak of, and yet one in 30 may be so.
Of a count the bound is exact: with k such answers among n, the largest share p that a chance of at most 5 % speaks for solves
P(Binomial(n, p) <= k) = 0.05 (Clopper and Pearson, 1934, Biometrika 26, 404). For k = 0 it is 1 - 0.05^(1/n), which is under
the tolerance d from n = ln 0.05 / ln(1 - d) sequences on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from token_difr.verdict.incomplete_beta import incomplete_beta
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import SequenceSums

__all__ = ["Misserved", "misserved"]

MOST = 0.5  # of an answer's decided tokens
ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Misserved:
    """Answers of the candidate more than half of whose decided tokens mismatch.

    Attributes:
        count: How many.
        upper: 95 % upper bound of their share among all requests, beyond the baseline's; NaN where nothing is decided.
    """

    count: int
    upper: float


def misserved(candidate: SequenceSums, baseline: SequenceSums) -> Misserved:
    """The candidate's, with the bound of the difference from the baseline's by MOVER, as for rates of tokens."""
    (ours, our_total), (theirs, their_total) = (_counted(side) for side in (candidate, baseline))
    if not (our_total and their_total):
        return Misserved(ours, math.nan)
    share, expected = ours / our_total, theirs / their_total
    highest, lowest = _upper(ours, our_total), 1 - _upper(their_total - theirs, their_total)
    return Misserved(ours, share - expected + math.hypot(highest - share, expected - lowest))


def _counted(side: SequenceSums) -> tuple[int, int]:
    mismatches, decided = side.column(MISMATCH_RATE)
    return int(np.count_nonzero(mismatches > MOST * decided)), int(np.count_nonzero(decided))


def _upper(count: int, total: int) -> float:
    """The share at which no more than ``count`` of ``total`` have a chance of 5 %."""
    if count >= total:
        return 1.0
    if count == 0:
        return -math.expm1(math.log(ERROR) / total)
    return _bisected(lambda share: incomplete_beta(total - count, count + 1, 1 - share) > ERROR)


def _bisected(below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high
