"""Which providers are told apart by their answers to the same ties, and which are not.

A pair is alike if it may change its answers at each tie. Then, of the ties at which one of the two shows something and the other does
not, as many fall to either: a binomial of one half, and the two-sided tail of it is exact (McNemar's test). Three things are looked
at: any flip; a flip of a tie whose gap is above the median of those that flipped for anybody, where honest noise is rare; and a
token that is neither of the two likeliest, which rounding seldom gives. The smallest of the three p-values counts three times.

Groups are all largest sets of providers of whom no two are told apart. One may belong to several: *not told apart* is no equality.

References:
    McNemar, Q. (1947): Note on the sampling error of the difference between correlated proportions or percentages.
    Bron, C. and Kerbosch, J. (1973): Algorithm 457: finding all cliques of an undirected graph. CACM 16, 575.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from token_difr.verdict.incomplete_beta import incomplete_beta

__all__ = ["binomial_tail", "groups_of", "pair_p_value"]

Outcomes = npt.NDArray[np.int8]
"""int8[ties]: 0 the reference's token, 1 its second one, 2 any other or none; -1 where it was not asked."""

BEYOND = 2
"""Neither of the two likeliest tokens."""


def binomial_tail(fewest: int, total: int) -> float:
    """The probability that a fair coin falls to one side at most ``fewest`` times of ``total``.

    A binomial's tail is an incomplete beta function: P(X <= k) of n throws is I(1/2; n - k, k + 1).
    """
    return 1.0 if fewest >= total else incomplete_beta(total - fewest, fewest + 1, 0.5)


def pair_p_value(one: Outcomes, other: Outcomes, gaps: npt.NDArray[np.float64]) -> float:
    """How easily two providers that are alike differ as much; 1 where no tie was asked of both.

    Args:
        one: Of one provider.
        other: Of the other one, at the same ties.
        gaps: float64[ties]; in nats.
    """
    both = (one >= 0) & (other >= 0)
    flipped = both & ((one > 0) | (other > 0))
    if not flipped.any():
        return 1.0
    wide = gaps > np.median(gaps[flipped])
    looked_at = (
        (one > 0, other > 0),
        ((one > 0) & wide, (other > 0) & wide),
        (one == BEYOND, other == BEYOND),
    )
    return min(1.0, len(looked_at) * min(_sign_test(both & ours, both & theirs) for ours, theirs in looked_at))


def groups_of(apart: npt.NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """All largest sets of whom no two are told apart, each in order; ordered by their members.

    Args:
        apart: bool[n, n], symmetric: whether two are told apart.
    """
    near = [{j for j in range(len(apart)) if j != i and not apart[i, j]} for i in range(len(apart))]
    return sorted(tuple(sorted(group)) for group in _cliques(set(), set(range(len(near))), set(), near))


def _cliques(chosen: set[int], open_: set[int], done: set[int], near: list[set[int]]) -> Iterator[set[int]]:
    if not open_ and not done:
        if chosen:
            yield chosen
        return
    pivot = max(open_ | done, key=lambda each: len(near[each] & open_))
    for each in sorted(open_ - near[pivot]):
        yield from _cliques(chosen | {each}, open_ & near[each], done & near[each], near)
        open_, done = open_ - {each}, done | {each}


def _sign_test(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    """The two-sided binomial test of the places at which only one of both is true."""
    alone, other_alone = int((one & ~other).sum()), int((other & ~one).sum())
    return min(1.0, 2 * binomial_tail(min(alone, other_alone), alone + other_alone))
