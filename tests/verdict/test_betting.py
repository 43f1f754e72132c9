"""The sequential test over pairs of near ties: its level, its power, and the bound of a loss."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from token_difr.verdict.betting import Bettors, excludes_loss, log_wealth, loss_upper
from token_difr.verdict.flip_curves import LEAST_HONEST, fitted_curve, tie_bettors

GAPS = np.exp(np.linspace(np.log(0.005), np.log(0.5), 200))


@pytest.mark.parametrize("honest", [0.0, 0.01, 0.1, 0.4])
@pytest.mark.parametrize("learnt", [None, 0.0, 0.3])
def test_wealth_is_a_martingale(honest: float, learnt: float | None) -> None:
    """Whatever was guessed: over all outcomes of three honest pairs, the wealth is 1 in the mean."""
    gaps = np.array([0.01, 0.05, 0.3])
    bettors = tie_bettors(gaps, None if learnt is None else np.full(3, learnt))
    change = honest * (1 - honest)
    chances = {1: change, 0: 1 - 2 * change, -1: change}
    mean = sum(
        np.prod([chances[each] for each in outcome]) * np.exp(log_wealth(bettors, outcome)[-1])
        for outcome in itertools.product(chances, repeat=3)
    )
    assert mean == pytest.approx(1)


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.5])
def test_honest_runs_are_seldom_called_divergent(noise: float) -> None:
    """At a level of 1 %, looked at behind every one of 200 ties: at most 1 % and three errors of 600 audits."""
    generator, audits = np.random.default_rng(1), 600
    curve = np.minimum(0.5, noise * np.exp(-GAPS / 0.1) + 0.01)
    bettors = tie_bettors(GAPS)
    sides = generator.random((2, audits, len(GAPS))) < curve
    reached = sum(log_wealth(bettors, d).max() >= np.log(100) for d in sides[0].astype(int) - sides[1])
    assert reached <= audits * 0.01 + 3 * np.sqrt(audits * 0.01)


@pytest.mark.parametrize(
    ("name", "curve", "most"),
    [
        ("4-bit weights", np.full(200, 0.6), 25),
        ("8-bit weights", np.maximum(0.5 * np.exp(-GAPS / 0.08), 0.01), 110),
        ("random tokens", np.full(200, 0.15), 120),
    ],
)
def test_deviations_are_found(name: str, curve: np.ndarray, most: int) -> None:
    """In so many ties in the mean, against honest runs that flip at small gaps alone."""
    generator = np.random.default_rng(2)
    honest = 0.4 * np.exp(-GAPS / 0.01)
    stops = []
    for _ in range(60):
        order = generator.permutation(len(GAPS))
        fell, base = generator.random(200) < curve[order], generator.random(200) < honest[order]
        wealth = log_wealth(tie_bettors(GAPS[order]), fell.astype(int) - base)
        stops.append(int(np.argmax(wealth >= np.log(100))) + 1 if wealth.max() >= np.log(100) else 200)
    assert np.mean(stops) <= most, name


def test_bets_grow_most() -> None:
    """(a - h) / (a + h - 2 a h); nothing where a deviation flips no more, and never all that there is."""
    bettors = Bettors([[0.1, 0.2, 0.0]], [[0.5, 0.1, 0.3]], [2.0])
    assert bettors.bets[0] == pytest.approx([0.4 / 0.5, 0.0, 0.98])
    assert bettors.weights == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((0, 0, 0), 1.0, 1.0),
        ((0, 58, 0), 0.05, 0.15),
        ((0, 128, 0), 0.03, 0.05),
        ((0, 1000, 0), 0.0, 0.01),
        ((0, 0, 300), 0.0, 0.0),
        ((100, 0, 0), 0.9, 1.0),
        ((20, 160, 20), 0.05, 0.2),
    ],
)
def test_the_bound_of_a_loss(counts: tuple[int, int, int], low: float, high: float) -> None:
    """In [0, 1]; what lies above it is excluded, what lies below is not."""
    bound = loss_upper(counts, 0.01)
    assert low <= bound <= high
    assert bound == 1 or excludes_loss(counts, min(1.0, bound + 1e-6), 0.01)
    assert bound == 0 or not excludes_loss(counts, bound - 1e-6, 0.01)


def test_a_true_loss_is_seldom_excluded() -> None:
    """Of 5 points, looked at behind every fourth of 200 pairs: in at most 1 % and three errors of 400 audits."""
    generator, audits = np.random.default_rng(3), 400
    excluded = 0
    for differences in generator.choice([1, 0, -1], p=[0.08, 0.89, 0.03], size=(audits, 200)):
        plus, minus = np.cumsum(differences > 0), np.cumsum(differences < 0)
        excluded += any(
            excludes_loss((int(plus[at]), int(at + 1 - plus[at] - minus[at]), int(minus[at])), 0.05, 0.01)
            for at in range(3, 200, 4)
        )
    assert excluded <= audits * 0.01 + 3 * np.sqrt(audits * 0.01)


def test_an_honest_curve_never_rises() -> None:
    """Means of neighbors where the flips rise; the nearest tie's outside; one half where nothing is known."""
    gaps, fell = [0.1, 0.01, 0.3, 0.2], [0, 1, 0, 1]
    assert fitted_curve(gaps, fell).at([0.001, 0.01, 0.1, 0.2, 0.3, 9.0]).tolist() == [1, 1, 0.5, 0.5, 0, 0]
    assert fitted_curve([], []).at([0.1]).tolist() == [0.5]
    assert 0 < LEAST_HONEST < 0.05


@pytest.mark.parametrize("spread", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("honest", [0.02, 0.1, 0.3])
def test_wealth_does_not_grow_while_odds_differ_by_the_spread(spread: float, honest: float) -> None:
    """Over all outcomes of two pairs it is 1 at most, 1 where the odds differ by all that is allowed."""
    gaps = np.array([0.02, 0.2])
    for factor in (1.0, spread):
        odds = factor * honest / (1 - honest)
        other = odds / (1 + odds)
        alone, baseline_alone = other * (1 - honest), honest * (1 - other)
        chances = {1: alone, 0: 1 - alone - baseline_alone, -1: baseline_alone}
        mean = sum(
            np.prod([chances[each] for each in outcome])
            * np.exp(log_wealth(tie_bettors(gaps, spread=spread), outcome)[-1])
            for outcome in itertools.product(chances, repeat=2)
        )
        assert mean <= 1 + 1e-12
        assert factor < spread or mean == pytest.approx(1)
