"""The rule of a verdict: its ranges, and how it is stated in parts."""

from __future__ import annotations

from typing import Any

import pytest

from token_difr import InputError
from token_difr.records import Rule


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"level": 0.00019}, r"level must lie in \[0.0002, 1\)"),
        ({"level": 1.0}, "level must lie in"),
        ({"level": float("nan")}, "level must lie in"),
        ({"level": 0.01, "permutations": 99}, r"level must lie in \[0.02, 1\)"),
        ({"permutations": 1}, "permutations must be at least 2"),
        ({"tolerance": 0.0}, r"tolerance must lie in \(0, 1\]"),
        ({"tolerance": 2.0}, "0.02 is two points"),
        ({"lowest_baseline_match": 1.1}, r"lowest_baseline_match must lie in \[0, 1\]"),
        ({"most_left_out": -0.1}, r"most_left_out must lie in \[0, 1\]"),
        ({"most_permutations": 9998}, "most_permutations must be at least permutations, 9999"),
        ({"seed": -1}, "seed must lie between 0 and"),
        ({"seed": 2**63 - 1}, "seed must lie between 0 and"),
    ],
)
def test_values_out_of_range_are_refused(given: dict[str, Any], words: str) -> None:
    """The message names the value and its range."""
    with pytest.raises(InputError, match=words):
        Rule(**given)


@pytest.mark.parametrize(("tolerance", "fewest"), [(0.02, 149), (0.05, 59), (0.5, 5), (1.0, 1)])
def test_the_tolerance_asks_for_so_many_sequences(tolerance: float, fewest: int) -> None:
    """A provider that wholly misserves so large a share of its requests goes unseen in them in at most 5 %."""
    assert Rule(tolerance=tolerance).fewest_sequences == fewest
    assert (1 - tolerance) ** fewest <= 0.05


def test_parts_stand_for_those_of_the_rule() -> None:
    """What is not given is the rule's own, or the default's."""
    strict = Rule(level=0.001, tolerance=0.01)

    assert Rule.of() == Rule()
    assert Rule.of(strict) == strict
    assert Rule.of(strict, level=0.05, seed=0) == Rule(level=0.05, tolerance=0.01)
    assert Rule.of(seed=5) == Rule(seed=5)
