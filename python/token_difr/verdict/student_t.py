"""Quantiles of Student's t distribution, for any positive number of degrees of freedom.

With v degrees of freedom, the probability that |T| exceeds t is I_x(v/2, 1/2) at x = v / (v + t^2), where I is the
regularized incomplete beta function (Abramowitz and Stegun 26.7.1). The quantile is found by Newton's method, from below: right
of 0 the density falls, so the tail is convex, and each step stops short of the quantile and never goes beyond it.
"""

from __future__ import annotations

import math
from functools import lru_cache

from token_difr.verdict.incomplete_beta import incomplete_beta

__all__ = ["t_quantile"]

LARGEST = 1e12
MOST_STEPS = 200
NORMAL_FROM = 1e7  # degrees of freedom; from there on the quantiles differ from the normal's by less than 1e-7


@lru_cache(maxsize=4096)
def t_quantile(probability: float, freedom: float) -> float:
    """The value that T stays under with this probability.

    Args:
        probability: In [0.5, 1).
        freedom: Degrees of freedom, above 0; not necessarily a whole number.

    Returns:
        The quantile, to about 1e-10 of its size; at most 1e12.
    """
    freedom, above = min(freedom, NORMAL_FROM), 1 - probability
    low, high = 0.0, 1.0
    while _tail(high, freedom) > above and high < LARGEST:
        low, high = high, 2 * high
    for _ in range(MOST_STEPS):
        step = (_tail(low, freedom) - above) / _density(low, freedom)
        low += max(0.0, step)
        if step <= 1e-12 * low or low >= LARGEST:
            break
    return min(low, LARGEST)


def _tail(t: float, freedom: float) -> float:
    """The probability that T exceeds ``t`` >= 0."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def _density(t: float, freedom: float) -> float:
    """Of T at ``t``."""
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(scale - (freedom + 1) / 2 * math.log1p(t * t / freedom))
