"""By how much a rate surely lies above the baseline's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from token_difr.diagnosis.case import Case
from token_difr.diagnosis.contrasts import Sums, contrast

NOTHING: Any = SimpleNamespace(p_value=1.0, statistics=())


def excess(ours: list[float], theirs: list[float], unit: Any = "share") -> float:
    """Of one value an answer, at the level 0.01."""
    case = Case(candidate=NOTHING, baseline=NOTHING, comparison=NOTHING, tokenizer=NOTHING, warned=(), level=0.01)
    return case.excess(Sums.of(ours, unit=unit), Sums.of(theirs, unit=unit))


@pytest.mark.parametrize(
    ("ours", "theirs", "above"),
    [
        ([1.0] * 20, [0.0] * 20, True),
        ([1.0] * 10 + [0.0] * 10, [0.0] * 20, True),
        ([1.0] + [0.0] * 19, [0.0] * 20, False),
        ([1.0] * 20, [1.0] * 20, False),
        ([0.0] * 20, [1.0] * 20, False),
        ([1.0], [0.0], False),
        ([], [0.0] * 20, False),
        ([1.0] * 20, [], False),
    ],
)
def test_shares(ours: list[float], theirs: list[float], above: bool) -> None:
    """More than chance gives, on both sides; one answer shows nothing, and none neither."""
    assert (excess(ours, theirs) > 0) is above


@pytest.mark.parametrize(
    ("ours", "theirs", "above"),
    [
        ([-0.1, -0.2] * 10, [-0.8, -0.9] * 10, False),
        ([0.4, 0.5] * 10, [-0.8, -0.9] * 10, True),
        ([0.4, 0.5] * 10, [0.4, 0.5] * 10, False),
    ],
)
def test_differences(ours: list[float], theirs: list[float], above: bool) -> None:
    """To lie above a baseline that is below 0 is no pattern as long as it is not above 0 too."""
    assert (excess(ours, theirs, unit="nats") > 0) is above


def test_without_a_baseline() -> None:
    """There is nothing of it, and no difference."""
    made = contrast(Sums.of([0.0, 1.0] * 10), None)
    assert made.candidate.value == 0.5
    assert np.isnan(made.baseline.value)
    assert np.isnan(made.difference.low)
