"""Intervals: known values, and the bound that must not collapse."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.verdict.intervals import design_effect, interval, loss_upper_bound, wilson
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS
from token_difr.verdict.student_t import t_quantile
from token_difr.verdict.sums import SequenceSums


def sums_of(mismatches: list[float], decided: list[float]) -> SequenceSums:
    """Sums whose every statistic is the mismatch count."""
    totals, weights = (
        np.repeat(np.array(values, np.float64)[:, None], len(STATISTICS), axis=1) for values in (mismatches, decided)
    )
    return SequenceSums(totals, weights)


@pytest.mark.parametrize(
    ("rate", "tokens", "low", "high"),
    # Newcombe (1998), Stat. Med. 17, 857, table I: Wilson's score interval without continuity correction
    [
        (81 / 263, 263, 0.2553, 0.3662),
        (15 / 148, 148, 0.0624, 0.1605),
        (0.0, 20, 0.0, 0.1611),
        (1 / 29, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(rate: float, tokens: float, low: float, high: float) -> None:
    """The table that compares seven methods for a single proportion."""
    assert wilson(rate, tokens, z=1.959963984540054) == pytest.approx((low, high), abs=5e-5)


def test_the_design_effect_of_sequences_that_match_wholly_or_not_at_all_is_their_length() -> None:
    """Ten tokens that always agree carry the information of one."""
    sums = sums_of([10, 0] * 500, [10] * 1000)

    assert design_effect(sums) == pytest.approx(10, rel=0.01)


def test_the_design_effect_is_at_least_one() -> None:
    """Mismatches spread more evenly than chance do not sharpen the bound."""
    assert design_effect(sums_of([1] * 100, [10] * 100)) == 1.0
    assert design_effect(sums_of([0] * 100, [10] * 100)) == 1.0


def test_the_bound_does_not_collapse_without_any_mismatch() -> None:
    """Wilson's interval still knows how few tokens there were."""
    few = sums_of([0] * 30, [2] * 30)
    many = sums_of([0] * 100, [64] * 100)

    assert loss_upper_bound(few, few) > 0.02
    assert 0 < loss_upper_bound(many, many) < 0.001


def test_wilson_t_against_the_formula_by_hand() -> None:
    """Three sequences of unlike lengths, worked out term by term."""
    totals, weights = [1.0, 0.0, 6.0], [10.0, 20.0, 30.0]
    rate = 7 / 60
    squares = sum((t - rate * w) ** 2 / (1 - w / 60) for t, w in zip(totals, weights, strict=True)) / 60**2
    tokens = rate * (1 - rate) / squares
    found = interval(sums_of(totals, weights), MISMATCH_RATE)

    assert found.value == pytest.approx(rate)
    assert (found.low, found.high) == pytest.approx(
        wilson(rate, tokens, z=t_quantile(0.975, 3600 / 1400 - 1)), rel=1e-9
    )


@pytest.mark.parametrize(("sequences", "effect"), [(10, 1.5), (30, 3.0), (100, 1.0)])
def test_intervals_hold_the_truth_as_often_as_they_say(sequences: int, effect: float) -> None:
    """Over 400 simulated runs at least 91 %, less three standard errors of such a share."""
    held = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        rates = np.full(sequences, 0.05)
        if effect > 1:
            size = 63 / (effect - 1) - 1
            rates = rng.beta(0.05 * size, 0.95 * size, sequences)
        found = interval(sums_of(list(rng.binomial(64, rates)), [64] * sequences), MISMATCH_RATE)
        held += found.low <= 0.05 <= found.high

    assert held >= 400 * (0.91 - 3 * (0.91 * 0.09 / 400) ** 0.5)
