"""Groups of providers: an exact test of each pair, and the largest sets of whom no two are told apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from token_difr.verdict.tie_groups import binomial_tail, groups_of, pair_p_value

GAPS = np.linspace(0.01, 0.5, 200)


def outcomes(probability: float, seed: int, *, beyond: float = 0.0) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """Flips at every tie with this probability, some of them to a token that is neither of the two."""
    generator = np.random.default_rng(seed)
    fell = generator.random(len(GAPS)) < probability
    return np.where(fell, np.where(generator.random(len(GAPS)) < beyond, 2, 1), 0).astype(np.int8)


@pytest.mark.parametrize(("fewest", "total", "probability"), [(0, 0, 1.0), (0, 1, 0.5), (1, 3, 0.5), (0, 10, 2**-10)])
def test_tails_of_a_coin(fewest: int, total: int, probability: float) -> None:
    """By counting."""
    assert binomial_tail(fewest, total) == pytest.approx(probability)


def test_a_tail_of_many_throws() -> None:
    """Whose terms no float holds: half of what is left beside the middle."""
    middle = binomial_tail(5_000, 10_000) - binomial_tail(4_999, 10_000)
    assert binomial_tail(4_999, 10_000) == pytest.approx((1 - middle) / 2)


def test_the_level_of_a_pair_holds() -> None:
    """Of 300 pairs that are alike at most 1 % and what chance adds lie below 0.01."""
    alarms = sum(pair_p_value(outcomes(0.2, 2 * seed), outcomes(0.2, 2 * seed + 1), GAPS) < 0.01 for seed in range(300))
    assert alarms <= 10


@pytest.mark.parametrize(
    "other",
    [outcomes(0.5, 1), outcomes(0.2, 1, beyond=0.9), np.where(GAPS > 0.35, 1, 0).astype(np.int8)],
    ids=["more flips", "other tokens", "wider gaps"],
)
def test_who_differs_is_told_apart(other: np.ndarray[tuple[int], np.dtype[np.int8]]) -> None:
    """By the number of flips, by where they lie, and by which tokens they take; in either order."""
    honest = np.where(GAPS < 0.15, outcomes(0.5, 2), 0).astype(np.int8)
    assert pair_p_value(honest, other, GAPS) < 0.001
    assert pair_p_value(honest, other, GAPS) == pair_p_value(other, honest, GAPS)


def test_what_one_was_not_asked_does_not_count() -> None:
    """Nor is anybody told apart by no tie at all."""
    nothing = np.full(len(GAPS), -1, np.int8)
    assert pair_p_value(nothing, outcomes(0.5, 1), GAPS) == 1.0
    assert pair_p_value(outcomes(0.0, 1), outcomes(0.0, 2), GAPS) == 1.0


def test_groups_are_the_largest_sets() -> None:
    """As trying all sets finds them, of graphs drawn at random."""
    generator = np.random.default_rng(3)
    for _ in range(40):
        upper = np.triu(generator.random((6, 6)) < 0.5, 1)
        apart = upper | upper.T
        whole = [
            set(chosen)
            for size in range(1, 7)
            for chosen in itertools.combinations(range(6), size)
            if not apart[np.ix_(chosen, chosen)].any()
        ]
        largest = sorted(tuple(sorted(each)) for each in whole if not any(each < other for other in whole))
        assert groups_of(apart) == largest
    assert groups_of(np.zeros((0, 0), bool)) == []
