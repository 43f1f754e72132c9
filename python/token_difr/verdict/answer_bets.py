"""A sequential test over pairs of answers: bets that a candidate's answer is worse than its counterpart of the baseline.

Two honest answers that are held against each other, both cut to the shorter one's length, may change places: given how long
they are and all that was seen before, their difference x - y in any statistic is as likely to be positive as negative. So

    D = clip((x - y) / c, -1, 1)

has the mean 0 for every c that is known before, and a wealth that begins at 1 and is multiplied by 1 + bet * D is a martingale
without negative values: it ever reaches 1 / level with probability ``level`` at most (Ville, 1939), however often one looks. So
does the mean over several bets and several statistics, of which each begins with its part; the one that sees the deviation
makes the wealth. Where a difference in either direction counts, half of a part is bet on each.

**The scale** c is two standard deviations of a difference between two answers like those of the baseline that were seen before,
2 * sqrt(2) * s: so a deviation as large as the noise of an answer is worth the whole bet, and a few gross answers cost no more than
others. As long as few were seen s begins at half of what one token is of the answer, with the weight of five answers; and c is
never less than one token's worth. (2 is the best of 1 to 4 by the demo's impostors: 1 is as good where answers are long, 4 takes
a tenth to a third more tokens.)

**The loss.** That the candidate is not worse than by a tolerance has a test of the same kind. Let D be the difference of both answers'
shares of mismatches, in [-1, 1]. Were its mean m or more, prod(1 - bet (D - m)) would be expected to be 1 at most for bets in [0, 1] that
are chosen before; the smallest m for which it has reached 1 / 5 % bounds the mean from above. The bet that grows most is
m / (m^2 + v), where v is the mean of D^2 so far. Between honest providers v is far below m, so that it is 1: then n equal pairs
exclude the tolerance d once (1 + d)^n = 20.

References:
    Ville, J. (1939): Etude critique de la notion de collectif.
    Waudby-Smith, I. and Ramdas, A. (2024): Estimating means of bounded random variables by betting. JRSS B 86(1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.records import Scores
from token_difr.verdict.betting import smallest_excluded
from token_difr.verdict.matching import cut
from token_difr.verdict.positions import Floats, Positions
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS, Statistic

__all__ = ["AnswerBets", "bet_on_answers", "fewest_further", "loss_upper"]

BETS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9])
DEVIATIONS = 2.0
BEGIN_WEIGHT = 5
BEGIN_TOKENS = 0.5
LOSS_ERROR = 0.05
"""The chance that the bound of the loss is too low at any time."""

SHARES = {
    **dict.fromkeys(("clipped_margin_0.1", "clipped_margin_5", "margin_0.02_to_0.5", "margin_0.1_to_1"), 1.0),
    **dict.fromkeys(("undecided_rate", "empty_rate", "withheld_rate"), 0.1),
}
"""What part of the wealth is bet on each statistic where it is known which token the reference would have taken."""

UNREPLAYED_SHARES = {
    **dict.fromkeys(("surprise_above", "surprise_below"), 1.0),
    **{each.name: 0.5 for each in STATISTICS if each.name.startswith("percentile")},
    **dict.fromkeys(("empty_rate", "withheld_rate"), 0.1),
}
"""The same where it is not, since the noise of the sampler is not known."""

MOST_AT_ONCE = 64
"""Answers between two looks."""


class AnswerBets(NamedTuple):
    """What has been seen of some pairs, in the order in which they were asked.

    Attributes:
        wealth: float64[pairs]; behind each.
        losses: float64[n]; of the pairs with decided tokens on both sides, the candidate's share of mismatches minus the
            baseline's.
    """

    wealth: Floats
    losses: Floats


def bet_on_answers(candidate: Scores, baseline: Scores, pairs: npt.NDArray[np.int64]) -> AnswerBets:
    """Bet on pairs of answers, one after the other.

    Args:
        candidate: The candidate's scores.
        baseline: The baseline's scores.
        pairs: int64[n, 2]; indexes (candidate, baseline), in the order in which the candidate was asked.
    """
    sides = [_column_of_withheld(side) for side in (candidate, baseline)]
    whole = [np.diff(side.sequence_indptr)[indexes] for side, indexes in zip(sides, pairs.T, strict=True)]
    tokens = np.minimum(*whole)
    ours, theirs = (
        (Positions(cut(side, indexes, tokens)), Positions(cut(side, indexes, own)))
        for side, indexes, own in zip(sides, pairs.T, whole, strict=True)
    )
    shares = UNREPLAYED_SHARES if ours[1].unreplayed.any() or theirs[1].unreplayed.any() else SHARES
    named = {each.name: each for each in STATISTICS}
    grown = [
        path + math.log(share / sum(shares.values()))
        for name, share in shares.items()
        for path in _bet(named[name], ours, theirs, tokens)
    ]
    x, y, both = _means(MISMATCH_RATE, ours, theirs)
    return AnswerBets(np.exp(np.logaddexp.reduce(grown, axis=0)), (x - y)[both])


def _bet(statistic: Statistic, ours: Sides, theirs: Sides, tokens: npt.NDArray[np.int64]) -> Iterator[Floats]:
    """float64[pairs] each: the logarithm of what the bets on one statistic have made of 1, a direction at a time."""
    x, y, both = _means(statistic, ours, theirs)
    one = np.ones(len(tokens)) if statistic.per == "sequence" else 1 / np.maximum(tokens, 1)
    scale = np.maximum(DEVIATIONS * math.sqrt(2) * _deviation_before(y, both, one), one)
    differences = np.where(both, np.clip((x - y) / scale, -1, 1), 0.0)
    directions = (1, -1) if statistic.two_sided else (1,)
    for sign in directions:
        each = np.cumsum(np.log1p(sign * BETS[:, None] * differences), axis=1)
        yield np.logaddexp.reduce(each, axis=0) - math.log(len(BETS) * len(directions))


def _deviation_before(values: Floats, known: npt.NDArray[np.bool_], one: Floats) -> Floats:
    """float64[n]: the standard deviation of the known ones of ``values`` before each, which begins at half of ``one``."""
    counts, sums, squares = (
        np.concatenate([[0.0], np.cumsum(np.where(known, column, 0.0))[:-1]])
        for column in (np.ones(len(values)), values, values**2)
    )
    around = np.maximum(squares - sums**2 / np.maximum(counts, 1), 0.0)
    deviations: Floats = np.sqrt((BEGIN_WEIGHT * (BEGIN_TOKENS * one) ** 2 + around) / (BEGIN_WEIGHT + counts))
    return deviations


Sides = tuple[Positions, Positions]
"""Some answers cut to their counterparts' lengths, and whole."""


def _means(statistic: Statistic, ours: Sides, theirs: Sides) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """The means of both answers of each pair, and whether there is anything to take them over on both sides."""
    whole = statistic.per == "sequence"
    sums = [statistic.sums(side[whole]) for side in (ours, theirs)]
    x, y = (np.divide(total, weight, out=np.zeros_like(total), where=weight > 0) for total, weight in sums)
    return x, y, (sums[0][1] > 0) & (sums[1][1] > 0)


def _column_of_withheld(side: Scores) -> Scores:
    return side if side.withheld is not None else replace(side, withheld=np.zeros(len(side), np.bool_))


def loss_upper(losses: Floats) -> float:
    """The smallest mean loss that is excluded, in (0, 1]; 1 where none is.

    Args:
        losses: float64[n], in [-1, 1]; see :class:`AnswerBets`.
    """
    return smallest_excluded(lambda mean: excludes_loss(losses, mean))


def excludes_loss(losses: Floats, mean: float) -> bool:
    """Whether a mean loss as large as ``mean``, in (0, 1], is excluded."""
    before = np.concatenate([[0.0], np.cumsum(losses**2)[:-1]]) / np.maximum(np.arange(len(losses)), 1)
    bets = np.minimum(mean / (mean**2 + before), 1.0)
    with np.errstate(divide="ignore"):  # who bets everything is ruined by a pair that could not be worse
        return bool(np.log1p(-bets * (losses - mean)).sum() >= -math.log(LOSS_ERROR))


def fewest_further(bets: AnswerBets, *, level: float, tolerance: float, fewest: int) -> int:
    """How many answers have to be asked for at least until there can be a verdict: so many are asked at once.

    Args:
        bets: What was seen so far, be it nothing.
        level: Of *divergent*.
        tolerance: The loss that *consistent* excludes.
        fewest: Pairs with decided tokens that it needs.
    """
    last = float(bets.wealth[-1]) if bets.wealth.size else 1.0
    gained = math.log1p(BETS[-1])
    worse = math.ceil(-math.log(level * last) / gained) if last > 0 else MOST_AT_ONCE
    equal = next(
        (
            further
            for further in range(max(1, fewest - len(bets.losses)), MOST_AT_ONCE)
            if excludes_loss(np.concatenate([bets.losses, np.zeros(further)]), tolerance)
        ),
        MOST_AT_ONCE,
    )
    return max(1, min(worse, equal, MOST_AT_ONCE))
