"""Changes over dates: never without one more often than the level, and soon with one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from token_difr.verdict.changes import change_of

TIES = 200
CLOSE = np.random.default_rng(0).beta(0.3, 1, TIES) / 2
Flips = np.ndarray[tuple[int, int], np.dtype[np.int8]]


def days(generator: np.random.Generator, *chances: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Flips:
    """A row of flips a date."""
    return np.array([generator.random(TIES) < chance for chance in chances]).astype(np.int8)


def test_without_a_change_there_is_no_alarm() -> None:
    """Over ten dates, at a level of 5 %: in at most that share of 200 providers, and what chance adds."""
    generator = np.random.default_rng(1)
    alarms = sum(change_of(days(generator, *[CLOSE] * 10), 0.05).alarm is not None for _ in range(200))
    assert alarms <= 18


def test_the_wealth_is_one_in_the_mean() -> None:
    """Over all orders of the answers of a tie, of which each is as likely where nothing changes: the bet is fair."""
    for dates, flipped in ((2, 1), (3, 1), (3, 2), (4, 2)):
        orders = set(itertools.permutations([1] * flipped + [0] * (dates - flipped)))
        wealth = [change_of(np.array(order, np.int8)[:, None], 1e-9).wealth[-1] for order in orders]
        assert np.mean(wealth) == pytest.approx(1.0)


@pytest.mark.parametrize("after", [1, 2, 5])
@pytest.mark.parametrize("becomes", ["worse", "better"])
def test_a_change_is_dated(after: int, becomes: str) -> None:
    """On its first date, whether more ties flip from then on or fewer."""
    many, few = np.full(TIES, 0.5), CLOSE / 10
    old, new = (few, many) if becomes == "worse" else (many, few)
    flips = days(np.random.default_rng(2), *[old] * after, *[new] * 3)
    found = change_of(flips, 0.001)
    assert found.alarm is not None
    assert found.since == after
    assert found.alarm - after <= 1
    assert found.wealth[0] == 1.0


def test_a_change_of_many_ties_has_a_wealth_that_is_a_number() -> None:
    """Which no float holds otherwise."""
    flips = np.repeat(np.array([[0], [1]], np.int8), 3000, axis=1)
    found = change_of(flips, 0.01)
    assert found.alarm == found.since == 1
    assert np.isfinite(found.wealth).all()


def test_what_was_not_asked_does_not_count() -> None:
    """Ties of one date alone, and a date without any."""
    flips = days(np.random.default_rng(3), CLOSE, CLOSE, CLOSE)
    without = flips.copy()
    without[1] = -1
    assert change_of(without, 0.01).alarm is None
    wider = np.concatenate([flips, np.where(np.arange(3)[:, None] == 1, 1, -1) * np.ones((3, 50), int)], axis=1)
    np.testing.assert_allclose(change_of(wider.astype(np.int8), 1e-9).wealth, change_of(flips, 1e-9).wealth)
    assert change_of(flips[:1], 0.01).alarm is None
