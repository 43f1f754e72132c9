"""Intervals: known values, and the bound that must not collapse."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.verdict.intervals import bootstrap_replicates, design_effect, loss_upper_bound, wilson
from token_difr.verdict.statistics import STATISTICS
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
    """The bootstrap of nothing is nothing; the binomial bound still knows how few tokens there were."""
    few = sums_of([0] * 30, [2] * 30)
    many = sums_of([0] * 100, [64] * 100)
    nothing = np.zeros(1999)

    assert loss_upper_bound(few, few, nothing) > 0.02
    assert 0 < loss_upper_bound(many, many, nothing) < 0.001


def test_replicates_center_on_the_statistic_and_repeat_with_their_seed() -> None:
    """Seeded; the mean of the replicates lies within its own error of what was seen."""
    rng = np.random.default_rng(3)
    sums = sums_of(list(rng.binomial(40, 0.1, 200)), [40] * 200)
    replicates = bootstrap_replicates(sums, resamples=1999, seed=1)

    assert np.array_equal(replicates, bootstrap_replicates(sums, resamples=1999, seed=1))
    assert not np.array_equal(replicates, bootstrap_replicates(sums, resamples=1999, seed=2))
    assert replicates.mean(axis=0) == pytest.approx(sums.means, abs=0.001)
