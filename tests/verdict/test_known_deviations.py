"""What a difference is as large as: the nearest known deviation, or none."""

from __future__ import annotations

from typing import Any

import pytest

from token_difr.records import StatisticComparison
from token_difr.verdict.known_deviations import LOOKED_AT, UNKNOWN, _known, as_large_as


def statistics(*differences: float) -> list[StatisticComparison]:
    return [
        StatisticComparison(
            name=name,
            unit="share",
            gloss="",
            two_sided=False,
            candidate=difference,
            baseline=0.0,
            difference=difference,
            interval=(0.0, 1.0),
            p_value=0.001,
        )
        for name, difference in zip(LOOKED_AT, differences, strict=False)
    ]


@pytest.mark.parametrize("known", _known(), ids=lambda known: str(known["name"]))
@pytest.mark.parametrize("factor", [0.6, 1.0, 1.6])
def test_a_deviation_is_as_large_as_itself(known: dict[str, Any], factor: float) -> None:
    """And so is what lies within a factor of two of it."""
    assert as_large_as(statistics(*(factor * known[name] for name in LOOKED_AT))) == known["name"]


def test_every_deviation_states_all_that_is_looked_at() -> None:
    """A name, and sizes above 0."""
    for known in _known():
        assert known["name"]
        assert all(0 < known[name] < 1 for name in LOOKED_AT)


@pytest.mark.parametrize("differences", [(1.0, 1.0, 1.0), (-0.1, -0.1, -0.1), (0.0061,)])
def test_what_is_far_from_all_is_unknown(differences: tuple[float, ...]) -> None:
    """Larger than any, better than the baseline, or without the figures."""
    assert as_large_as(statistics(*differences)) == UNKNOWN
