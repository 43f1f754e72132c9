"""In which order ties are asked, and how many at a time."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.records import Rule
from token_difr.ties.order import asking_order, expected_growth
from token_difr.ties.stopping import Answered, fewest_further, sequential_test
from token_difr.verdict.honest_providers import HonestProviders

GAPS = np.exp(np.linspace(np.log(0.005), np.log(0.5), 200))
RULE = Rule(tolerance=0.05)


def answered(fell: list[int], honest: list[list[int]]) -> Answered:
    """So many of the ties, from the smallest gap on."""
    flips = [np.array(each, np.int8) for each in honest]
    return Answered(GAPS[: len(fell)], np.array(fell, np.int8), flips, [HonestProviders()] * len(honest))


def test_those_that_tell_come_first() -> None:
    """Between gaps at which honest rounding decides and those at which no rounding does."""
    best = GAPS[np.argmax(expected_growth(GAPS))]
    assert 0.02 < best < 0.15
    orders = [asking_order(GAPS, seed) for seed in range(20)]
    first, last = (
        np.mean([np.mean(np.abs(np.log(GAPS[order[part]] / best))) for order in orders])
        for part in (slice(20), slice(-20, None))
    )
    assert first < 0.6 * last
    assert np.all(expected_growth([0.0, 0.005, 3.0, 50.0]) >= 0)


def test_every_tie_once_and_another_order_by_every_seed() -> None:
    """The same again by the same seed."""
    orders = [asking_order(GAPS, seed) for seed in range(5)]
    assert all(sorted(order.tolist()) == list(range(200)) for order in orders)
    assert len({tuple(order[:10]) for order in orders}) == 5
    assert np.array_equal(orders[3], asking_order(GAPS, 3))
    assert asking_order([], 0).tolist() == []


@pytest.mark.parametrize("honest", [1, 2])
def test_nothing_can_be_known_before_so_many_answers(honest: int) -> None:
    """Whatever they are: all flips, none, and any at random, asked as few at a time as the function says."""
    generator = np.random.default_rng(0)
    for share in (1.0, 0.5, 0.1, 0.0):
        fell, base = list[int](), [list[int]() for _ in range(honest)]
        while len(fell) < 200:
            further = fewest_further(answered(fell, base), RULE)
            assert further >= 1
            for place in range(further):
                assert sequential_test(answered(fell, base), RULE).stopped == "exhausted" if fell else True
                fell.append(int(generator.random() < share))
                for each in base:
                    each.append(0)
                if place == further - 1 and sequential_test(answered(fell, base), RULE).stopped != "exhausted":
                    break
            else:
                continue
            break
        assert share == 0.1 or len(fell) < 200


def test_the_first_batch_is_what_flips_alone_would_take() -> None:
    """Seven at a level of 1 %: each multiplies the wealth by less than two; more where the spread lets less be bet."""
    assert fewest_further(answered([], [[]]), RULE) == 7
    assert fewest_further(answered([], [[]]), Rule(level=0.05, tolerance=0.05)) == 5
    assert fewest_further(answered([], [[]]), RULE, spread=3.0) == 17
    assert fewest_further(answered([0] * 60, [[0] * 60]), RULE) > 1
