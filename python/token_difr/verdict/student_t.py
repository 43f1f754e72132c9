"""Quantiles of Student's t distribution, for any positive number of degrees of freedom.

With v degrees of freedom, the probability that |T| exceeds t is I_x(v/2, 1/2) at x = v / (v + t^2), where I is the
regularized incomplete beta function (Abramowitz and Stegun 26.7.1). I comes from its continued fraction (26.5.8), which is
evaluated by Lentz's method; the quantile is found by bisection, which needs nothing but that the tail falls.
"""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["t_quantile"]

STEPS = 300
TINY = 1e-300
LARGEST = 1e12
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
    freedom = min(freedom, NORMAL_FROM)
    low, high = 0.0, 1.0
    while _tail(high, freedom) > 1 - probability and high < LARGEST:
        low, high = high, 2 * high
    while high - low > 1e-11 * high:
        middle = (low + high) / 2
        if _tail(middle, freedom) > 1 - probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _tail(t: float, freedom: float) -> float:
    """The probability that T exceeds ``t`` >= 0."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), regularized."""
    if x <= 0 or x >= 1:
        return float(x > 0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges quickly below the mean; above it, by the symmetry I_x(a, b) = 1 - I_{1-x}(b, a).
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction 1/(1 + d1/(1 + d2/(1 + ...))) of the incomplete beta function."""
    numerator, denominator, value = 1.0, 0.0, 1.0
    for step in range(STEPS):
        m = step // 2
        if step == 0:
            d = 1.0
        elif step % 2 == 0:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        denominator = 1 / _nonzero(1 + d * denominator)
        numerator = _nonzero(1 + d / numerator)
        factor = numerator * denominator
        value *= factor
        if abs(factor - 1) < 1e-15 and step:
            break
    return value - 1


def _nonzero(value: float) -> float:
    return value if abs(value) > TINY else TINY
