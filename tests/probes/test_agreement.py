"""How far answers agree, and what that says of seeds."""

from __future__ import annotations

import math

import pytest

from token_difr.probes.agreement import Honored, agreement, compare_seeds, sign_test
from token_difr.records import Response


def answers(*texts: str) -> list[Response]:
    return [Response(index=index, content=text) for index, text in enumerate(texts)]


def test_agreement() -> None:
    """Equal pairs are counted, and how much of the longer answer both begin with is averaged."""
    found = agreement(answers("same", "abcd", "", "ab"), answers("same", "abxy", "", "abcdefg"))
    assert (found.pairs, found.equal) == (4, 2)
    assert found.prefix == pytest.approx((1 + 3 / 5 + 1 + 3 / 8) / 4)  # the mark between reasoning and content counts
    assert found.interval[0] < 0.5 < found.interval[1]


def test_nothing_to_compare() -> None:
    """No pairs: no figures, and no error."""
    found = agreement([], [])
    assert found.pairs == 0
    assert math.isnan(found.prefix)
    assert compare_seeds([], [], []).honored is Honored.UNCLEAR


def test_reasoning_counts() -> None:
    """Answers that differ in their reasoning alone are not equal."""
    first, second = Response(index=0, content="c", reasoning="a"), Response(index=0, content="c", reasoning="b")
    assert agreement([first], [second]).equal == 0


@pytest.mark.parametrize(("wins", "losses", "p_value"), [(0, 0, 1.0), (1, 0, 0.5), (12, 0, 2**-12), (2, 1, 0.5)])
def test_sign_test(wins: int, losses: int, p_value: float) -> None:
    """The binomial tail of a fair coin."""
    assert sign_test(wins, losses) == p_value


@pytest.mark.parametrize(
    ("first", "again", "other", "honored"),
    [
        (["abc"] * 8, ["abc"] * 8, ["xyz"] * 8, Honored.YES),
        (["abc"] * 8, ["abx"] * 8, ["xyz"] * 8, Honored.YES),  # noise, but the same beginnings
        (["abc"] * 8, ["xyz"] * 8, ["uvw"] * 8, Honored.UNCLEAR),  # nothing to tell them by
        (["abc"] * 8, ["abc"] * 8, ["abc"] * 8, Honored.UNCLEAR),  # it always says the same
        (["abc"] * 12, ["axx"] * 6 + ["xbc"] * 6, ["xxx"] * 6 + ["axx"] * 6, Honored.NO),
        (["abc"] * 8, ["axx"] * 6 + ["xxx"] * 2, ["xxx"] * 6 + ["axx"] * 2, Honored.NO),
        (["abc"] * 8, ["axx"] * 7 + ["xxx"], ["xxx"] * 7 + ["axx"], Honored.UNCLEAR),
        (["abc"] * 7, ["abc"] * 7, ["xyz"] * 7, Honored.UNCLEAR),  # too few questions
    ],
)
def test_seeds(first: list[str], again: list[str], other: list[str], honored: Honored) -> None:
    """Honored where pairs with one seed nearly always agree for longer than pairs with two."""
    assert compare_seeds(answers(*first), answers(*again), answers(*other)).honored is honored
