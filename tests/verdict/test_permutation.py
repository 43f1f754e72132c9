"""The permutation test: its level, its power, and its arithmetic against a slow twin."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.records import Rule
from token_difr.verdict.permutation import FEWEST_PAIRS, PermutationTest, _ranks_from_above, permutation_test
from token_difr.verdict.statistics import STATISTICS
from token_difr.verdict.sums import SequenceSums


def sums_of(rng: np.random.Generator, sequences: int, rate: float) -> SequenceSums:
    """Sequences of 20 to 64 tokens whose mismatches cluster: each sequence has its own rate around ``rate``."""
    decided = rng.integers(20, 65, sequences).astype(np.float64)
    own = rng.beta(rate * 20, (1 - rate) * 20, sequences)
    mismatches = rng.binomial(decided.astype(int), own).astype(np.float64)
    shrink = np.linspace(0.2, 1.0, len(STATISTICS))
    return SequenceSums(
        totals=mismatches[:, None] * shrink, weights=np.repeat(decided[:, None], len(STATISTICS), axis=1)
    )


def judged(candidate: SequenceSums, baseline: SequenceSums, *, seed: int) -> PermutationTest:
    """The test by the default number of deals."""
    return permutation_test(candidate, baseline, rule=Rule(seed=seed))


def test_an_honest_candidate_is_called_worse_no_more_often_than_the_level() -> None:
    """Over 1,000 honest pairs, at the levels 5 % and 1 %."""
    rng = np.random.default_rng(20)
    rules = [Rule(seed=seed, permutations=399, most_permutations=399) for seed in range(1000)]  # as exact as more deals
    p_values = np.array(
        [permutation_test(sums_of(rng, 20, 0.05), sums_of(rng, 20, 0.05), rule=rule).p_value for rule in rules]
    )

    # 99.9 % quantiles of the binomial: mean 50, standard deviation 6.9; mean 10, standard deviation 3.1
    assert np.count_nonzero(p_values <= 0.05) <= 72
    assert np.count_nonzero(p_values <= 0.01) <= 21
    # and it is no test that never rejects
    assert np.count_nonzero(p_values <= 0.05) >= 29


def pairs_of(rng: np.random.Generator, pairs: int, rate: float, factor: float) -> tuple[SequenceSums, SequenceSums]:
    """Answers to the same prompts: each prompt has its own rate and length, and the first side ``factor`` times the rate."""
    decided = rng.integers(20, 65, pairs).astype(np.float64)
    own = rng.beta(rate * 20, (1 - rate) * 20, pairs)
    shrink = np.linspace(0.2, 1.0, len(STATISTICS))

    def side(rates: np.ndarray[tuple[int], np.dtype[np.float64]]) -> SequenceSums:
        mismatches = rng.binomial(decided.astype(int), np.minimum(rates, 1.0)).astype(np.float64)
        weights = np.repeat(decided[:, None], len(STATISTICS), axis=1)
        return SequenceSums(totals=mismatches[:, None] * shrink, weights=weights)

    return side(own * factor), side(own)


@pytest.mark.parametrize("pairs", [6, 8, FEWEST_PAIRS - 1, FEWEST_PAIRS, 20])
def test_pairs_keep_the_level_however_few_they_are(pairs: int) -> None:
    """Over 400 honest ones; prompts that are hard for both sides make no false alarm."""
    rng = np.random.default_rng(pairs)
    p_values = np.array(
        [
            permutation_test(
                *pairs_of(rng, pairs, 0.05, 1.0),
                rule=Rule(seed=seed, permutations=399, most_permutations=399),
                paired=True,
            ).p_value
            for seed in range(400)
        ]
    )

    # The 99.9 % quantiles of the binomials of 400: means 20 and 4.
    assert np.count_nonzero(p_values <= 0.05) <= 35
    assert np.count_nonzero(p_values <= 0.01) <= 12


def test_few_pairs_can_show_a_difference() -> None:
    """Exchanged within six pairs, labels have 64 deals, and no p-value below the level."""
    candidate, baseline = pairs_of(np.random.default_rng(3), 6, 0.04, 12.0)

    assert permutation_test(candidate, baseline, rule=Rule(), paired=True).p_value < 0.01


def test_a_worse_candidate_is_found_and_a_better_one_is_not() -> None:
    """Three times the mismatches are found, a third of them is no finding; surprises count in both directions."""
    rng = np.random.default_rng(1)
    few, many = sums_of(rng, 60, 0.03), sums_of(rng, 60, 0.12)
    two_sided = np.flatnonzero([statistic.two_sided for statistic in STATISTICS])
    worse, better = judged(many, few, seed=0), judged(few, many, seed=0)

    assert worse.p_value < 0.01
    assert np.delete(better.adjusted, two_sided).min() > 0.5
    assert better.adjusted[two_sided].max() < 0.01


def test_the_same_seed_gives_the_same_answer_and_another_about_the_same() -> None:
    """Nothing but the seed is random."""
    rng = np.random.default_rng(2)
    candidate, baseline = sums_of(rng, 40, 0.06), sums_of(rng, 40, 0.05)
    first, again, other = (judged(candidate, baseline, seed=seed) for seed in (5, 5, 6))

    assert first.p_value == again.p_value
    assert np.array_equal(first.adjusted, again.adjusted)
    assert abs(first.p_value - other.p_value) < 0.05


def test_two_sides_without_any_mismatch_are_no_finding() -> None:
    """All differences are zero, every deal ties with what was seen: p = 1."""
    silent = SequenceSums(totals=np.zeros((5, len(STATISTICS))), weights=np.full((5, len(STATISTICS)), 10.0))

    assert judged(silent, silent, seed=0).p_value == 1.0


def test_a_statistic_without_positions_changes_nothing() -> None:
    """What a run has no positions for takes no part in the smallest p-value."""
    rng = np.random.default_rng(4)
    candidate, baseline = sums_of(rng, 40, 0.06), sums_of(rng, 40, 0.05)
    absent = [SequenceSums(side.totals.copy(), side.weights.copy()) for side in (candidate, baseline)]
    for side in absent:
        side.totals[:, 7:] = side.weights[:, 7:] = 0.0

    assert judged(*absent, seed=0).adjusted[7:].tolist() == [1.0] * (len(STATISTICS) - 7)


def test_ranks_count_all_values_at_least_as_large() -> None:
    """The vectorized rank equals the definition, ties included."""
    values = np.array([0.3, 0.1, 0.3, 0.0, -1.0])
    slow = [sum(other >= value for other in values) / len(values) for value in values]

    assert _ranks_from_above(values).tolist() == slow
