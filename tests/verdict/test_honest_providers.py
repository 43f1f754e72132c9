"""What honest runs say of honest providers: a curve that never rises, and how far their odds to flip a tie lie apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr.verdict.flip_curves import fitted_curve
from token_difr.verdict.honest_providers import allowed_spread, honest_providers, honest_scatter

TIES = 2000
GAPS = np.exp(np.linspace(np.log(0.005), np.log(0.5), TIES))
Flips = np.ndarray[tuple[int], np.dtype[np.int8]]


def flips_of(factor: float, generator: np.random.Generator) -> Flips:
    """A run whose odds are so many times those of a curve that falls with the gap."""
    curve = 0.4 * np.exp(-GAPS / 0.1)
    odds = factor * curve / (1 - curve)
    return (generator.random(TIES) < odds / (1 + odds)).astype(np.int8)


@pytest.mark.parametrize(
    ("scatter", "providers", "ties"), [(0.3, 6, 2000), (0.5, 4, 2000), (0.5, 6, 150), (0.8, 5, 150)]
)
def test_the_scatter_is_found(scatter: float, providers: int, ties: int) -> None:
    """Its square, in the mean over many worlds; of few ties too, of which a run flips a dozen or two."""
    generator = np.random.default_rng(1)
    found = []
    for _ in range(60):
        factors = np.exp(scatter * generator.standard_normal(providers))
        curve = 0.5 * np.exp(-generator.choice(GAPS, ties) / 0.1)
        odds = factors[:, None] * curve / (1 - curve)
        runs = (generator.random((providers, ties)) < odds / (1 + odds)).astype(np.int8)
        found.append(honest_scatter([list(runs)]) ** 2)
    assert np.sqrt(np.mean(found)) == pytest.approx(scatter, rel=0.25)


def test_providers_alike_have_none() -> None:
    """Or next to none, more often than not none at all."""
    generator = np.random.default_rng(2)
    found = [honest_scatter([[flips_of(1.0, generator) for _ in range(4)]]) for _ in range(30)]
    assert np.mean(np.array(found) == 0) > 0.3
    assert max(found) < 0.2


def test_runs_that_cannot_be_compared_say_nothing() -> None:
    """Of ties that only one of them was asked, or that none of them flips."""
    generator = np.random.default_rng(3)
    runs = [flips_of(1.0, generator), flips_of(3.0, generator)]
    alone = honest_scatter([runs])
    nothing = [np.zeros(TIES, np.int8), np.zeros(TIES, np.int8)]
    apart = [np.where(np.arange(TIES) % 3 == place, runs[0], -1).astype(np.int8) for place in range(3)]
    assert alone > 0.5
    assert honest_scatter([runs, nothing]) == honest_scatter([runs, apart]) == alone
    assert honest_scatter([nothing]) == honest_scatter([apart]) == honest_scatter([]) == 0


@pytest.mark.parametrize("level", [0.01, 0.1])
@pytest.mark.parametrize("runs", [1, 2, 3, 8])
def test_the_spread_is_exceeded_in_a_share_level(runs: int, level: float) -> None:
    """By a provider drawn like the runs, beside the noisiest of them."""
    generator = np.random.default_rng(4)
    logarithms = 0.5 * generator.standard_normal((200_000, runs + 1))
    beyond = logarithms[:, 0] - logarithms[:, 1:].max(axis=1)
    spread = allowed_spread(0.5, runs, level)
    assert np.mean(beyond > np.log(spread)) == pytest.approx(level, abs=4 * np.sqrt(level / 200_000))
    assert allowed_spread(0.0, runs, level) == 1
    if runs == 1 and level == 0.01:
        assert np.log(spread) == pytest.approx(np.sqrt(2) * 2.3263 * 0.5, rel=1e-3)


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=5, max_size=5), max_size=4))
def test_few_runs_say_little(rows: list[list[int]]) -> None:
    """However few ties were asked: finite, and a curve within 0 and 1 that never rises; in whatever order the runs are."""
    runs = [np.array(row, np.int8) for row in rows]
    gaps = np.array([0.3, 0.1, 0.02, 0.1, 0.5])
    curve, scatter = honest_providers([(gaps, runs)])
    assert 0 <= scatter < 5
    assert (curve is None) == (not runs)
    if len(runs) < 2:
        assert scatter == 0
    if curve is None:
        return
    at = curve.at(np.sort(gaps))
    assert np.all((at >= 0) & (at <= 1) & (np.diff(at, prepend=1) <= 0))
    assert np.all(np.diff(curve.gaps) > 0)
    for order in itertools.permutations(runs):
        other, _ = honest_providers([(gaps, order)])
        assert other is not None
        assert np.array_equal(other.gaps, curve.gaps)
        assert np.allclose(other.probabilities, curve.probabilities)


def test_groups_are_compared_within_and_learnt_from_together() -> None:
    """Runs at other ties make no pairs; the curve is that of all."""
    generator = np.random.default_rng(3)
    one, other = flips_of(1.0, generator), flips_of(3.0, generator)
    curve, scatter = honest_providers([(GAPS, [one]), (GAPS, [other])])
    together = fitted_curve(np.tile(GAPS, 2), np.concatenate([one, other]))
    assert scatter == 0
    assert curve is not None
    assert np.array_equal(curve.at(GAPS), together.at(GAPS))
