"""The regularized incomplete beta function, from its continued fraction (Abramowitz and Stegun 26.5.8), by Lentz's method."""

from __future__ import annotations

import math

__all__ = ["incomplete_beta"]

STEPS = 300
TINY = 1e-300


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) for a, b > 0, to about 1e-13: the probability that a beta variable of these parameters is at most x."""
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
