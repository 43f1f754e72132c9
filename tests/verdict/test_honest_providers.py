"""What honest runs say of honest providers: a curve that never rises, and how far their odds to flip a tie lie apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.verdict.flip_curves import fitted_curve
from token_difr.verdict.honest_providers import honest_providers, honest_spread

TIES = 2000
GAPS = np.exp(np.linspace(np.log(0.005), np.log(0.5), TIES))
CURVE = 0.4 * np.exp(-GAPS / 0.1)


def flips_of(factor: float, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """A run whose odds are so many times those of the curve."""
    odds = factor * CURVE / (1 - CURVE)
    return (generator.random(TIES) < odds / (1 + odds)).astype(np.int8)


@pytest.mark.parametrize("apart", [1.0, 1.5, 3.0])
def test_the_spread_is_the_ratio_of_the_odds(apart: float) -> None:
    """Of two runs, whatever the ties; in the mean over draws of both, and 1 more often than not where they are alike."""
    generator = np.random.default_rng(1)
    learnt = [honest_spread([[flips_of(1.0, generator), flips_of(apart, generator)]]) for _ in range(40)]
    assert min(learnt) >= 1
    assert np.median(learnt) == pytest.approx(apart, rel=0.1)


def test_providers_alike_have_none_and_others_what_they_vary_by() -> None:
    """The mean over all pairs of runs: the root of twice the variance of their logarithms."""
    generator = np.random.default_rng(2)
    alike = [flips_of(1.0, generator) for _ in range(6)]
    factors = np.exp([-0.8, -0.4, 0.0, 0.0, 0.4, 0.8])
    unlike = [flips_of(factor, generator) for factor in factors]
    assert honest_spread([alike]) < 1.1
    assert np.log(honest_spread([unlike])) == pytest.approx(np.sqrt(2 * np.var(np.log(factors), ddof=1)), rel=0.15)


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=5, max_size=5), max_size=4))
def test_few_runs_say_little(rows: list[list[int]]) -> None:
    """However few ties were asked: a finite factor of at least 1, and a curve within 0 and 1 that never rises."""
    runs = [np.array(row, np.int8) for row in rows]
    gaps = np.array([0.3, 0.1, 0.02, 0.1, 0.5])
    curve, spread = honest_providers([(gaps, runs)])
    assert 1 <= spread < 200
    assert (curve is None) == (not runs)
    if curve is not None:
        at = curve.at(np.sort(gaps))
        assert np.all((at >= 0) & (at <= 1) & (np.diff(at, prepend=1) <= 0))
    if len(runs) < 2:
        assert spread == 1


def test_groups_are_compared_within_and_learnt_from_together() -> None:
    """Runs at other ties make no pairs; the curve is that of all."""
    generator = np.random.default_rng(3)
    one, other = flips_of(1.0, generator), flips_of(3.0, generator)
    curve, spread = honest_providers([(GAPS, [one]), (GAPS, [other])])
    together = fitted_curve(np.tile(GAPS, 2), np.concatenate([one, other]))
    assert spread == 1
    assert curve is not None
    assert np.array_equal(curve.at(GAPS), together.at(GAPS))
