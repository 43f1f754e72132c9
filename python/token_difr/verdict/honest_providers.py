"""What honest runs say of honest providers: how likely they flip a tie, and how far their odds to flip one lie apart.

**The scatter.** Of the ties at which two runs differ, the one alone flips at ``a`` and the other alone at ``b``. Whatever the ties,
a / b estimates the ratio of their odds, if that is the same at all ties: of a pair that differs it is the odds of which one flips
(McNemar). By chance alone a is binomial, n = a + b times one half, and the logarithm d of that ratio has a square that can be summed up
exactly. What d varies by beyond that is how providers differ: where the logarithms of their odds are normal with the standard deviation
s, d^2 is 2 s^2 and chance's part in the mean. So s^2 is half of what the squares have beyond chance, over all pairs of runs, each with a
weight of one over chance's part.

**The spread.** Among runs like these a further honest provider may well be the noisiest, and then it is noisier than each of them. By
how much its odds may be larger than the noisiest of k runs' is a quantile of the difference between a normal deviate and the largest
of k others: P(x > max + q) = integral of k phi(y) Phi(y)^(k-1) (1 - Phi(y + q)) dy, solved for the q at which it is the level; the factor is
exp(q s). With one run that is exp(sqrt(2) z s). That s is an estimate from few runs is not allowed for.

References:
    McNemar, Q. (1947): Note on the sampling error of the difference between correlated proportions or percentages.
    DerSimonian, R. and Laird, N. (1986): Meta-analysis in clinical trials (the moments).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.verdict.flip_curves import FlipCurve, Floats, fitted_curve

__all__ = ["HonestProviders", "allowed_spread", "honest_providers", "honest_scatter"]

Flips = npt.NDArray[np.int8]
"""int8[ties] of a run: 1 where it gave another token than the reference, 0 where the same, -1 where it was not asked."""

GRID = np.linspace(-8.0, 8.0, 1601)
STEPS = 40
MOST_DEVIATIONS = 12.0


class HonestProviders(NamedTuple):
    """What is known of them.

    Attributes:
        curve: How likely they flip a tie; None where nothing is known.
        scatter: The standard deviation of the logarithms of their odds to flip one; 0 where nothing is known.
    """

    curve: FlipCurve | None = None
    scatter: float = 0.0


def honest_providers(groups: Sequence[tuple[Floats, Sequence[Flips]]]) -> HonestProviders:
    """What honest runs say.

    Args:
        groups: Honest runs by the ties that they were asked: float64[ties], the gaps in nats, and the flips of each run.
    """
    runs = [(gaps[flips >= 0], flips[flips >= 0]) for gaps, group in groups for flips in group]
    if not runs:
        return HonestProviders()
    gaps, fell = (np.concatenate(column) for column in zip(*runs, strict=True))
    return HonestProviders(fitted_curve(gaps, fell), honest_scatter(group for _, group in groups))


def honest_scatter(groups: Iterable[Sequence[Flips]]) -> float:
    """The standard deviation of the logarithms of honest providers' odds; 0 where no two runs differ at any tie.

    Args:
        groups: Honest runs by the ties that they were asked.
    """
    beyond = total = 0.0
    for one, other in (pair for runs in groups for pair in itertools.combinations(runs, 2)):
        asked = (one >= 0) & (other >= 0)
        alone, other_alone = (int(np.count_nonzero(asked & (a > b))) for a, b in ((one, other), (other, one)))
        if alone + other_alone:
            chance = _chance(alone + other_alone)
            beyond += _log_odds(alone, other_alone) ** 2 / chance - 1
            total += 2 / chance
    return math.sqrt(max(0.0, beyond / total)) if total else 0.0


@cache
def allowed_spread(scatter: float, runs: int, level: float) -> float:
    """By which factor the odds of a further honest provider are larger than those of the noisiest run, in a share ``level`` at most.

    Args:
        scatter: See :class:`HonestProviders`.
        runs: How many it is held against, at least one.
        level: In (0, 1).
    """
    if not scatter:
        return 1.0
    low, high = 0.0, MOST_DEVIATIONS
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _exceeds(middle, runs) > level else (low, middle)
    return math.exp(high * scatter)


def _exceeds(by: float, runs: int) -> float:
    """The probability that a normal deviate is larger by so much than the largest of so many others."""
    density = np.exp(-(GRID**2) / 2) / math.sqrt(2 * math.pi)
    below = 1 - _above(GRID)
    return float(np.sum(runs * density * below ** (runs - 1) * _above(GRID + by)) * (GRID[1] - GRID[0]))


def _above(deviates: Floats) -> Floats:
    return np.array([math.erfc(each / math.sqrt(2)) / 2 for each in deviates])


def _log_odds(alone: int, other_alone: int) -> float:
    """Half a tie more on each side: else none at all on one side would be infinite odds (Haldane)."""
    return math.log((alone + 0.5) / (other_alone + 0.5))


@cache
def _chance(pairs: int) -> float:
    """The mean square of the logarithm where either run is as likely to be the one that flips, of so many pairs that differ."""
    return math.fsum(math.comb(pairs, k) / (1 << pairs) * _log_odds(k, pairs - k) ** 2 for k in range(pairs + 1))
