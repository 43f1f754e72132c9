"""Quantiles of Student's t against published tables."""

from __future__ import annotations

import math

import pytest

from token_difr.verdict.student_t import t_quantile


@pytest.mark.parametrize(
    ("probability", "freedom", "quantile"),
    # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, to its three decimals; the last is the normal's
    [
        (0.95, 1, 6.314),
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.95, 5, 2.015),
        (0.975, 10, 2.228),
        (0.99, 29, 2.462),
        (0.975, 30, 2.042),
        (0.95, 100, 1.660),
        (0.995, 60, 2.660),
        (0.975, 1e9, 1.960),
    ],
)
def test_published_quantiles(probability: float, freedom: float, quantile: float) -> None:
    """To the last digit that is printed."""
    assert t_quantile(probability, freedom) == pytest.approx(quantile, abs=5.1e-4)


@pytest.mark.parametrize("probability", [0.6, 0.95, 0.975, 0.999])
def test_closed_forms(probability: float) -> None:
    """One degree of freedom is Cauchy's distribution; two have t = a math.sqrt(2 / (1 - a^2)) with a = 2p - 1."""
    a = 2 * probability - 1
    assert t_quantile(probability, 1.0) == pytest.approx(math.tan(math.pi * (probability - 0.5)), rel=1e-9)
    assert t_quantile(probability, 2.0) == pytest.approx(a * math.sqrt(2 / (1 - a * a)), rel=1e-9)


def test_between_whole_numbers_it_falls() -> None:
    """More degrees of freedom, a smaller quantile; few of them, a very large one and no failure."""
    values = [t_quantile(0.975, freedom) for freedom in (0.05, 0.5, 1.5, 2.5, 29.37, 400.5, 1e8)]

    assert values == sorted(values, reverse=True)
    assert values[0] > 1e6
