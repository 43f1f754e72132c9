"""Kinds of deviations, told by the shape of their flips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from token_difr.verdict.tie_kinds import KINDS, UNKNOWN, kind_of, log_likelihood_ratios

ROUNDING, ANOTHER_MODEL, ANOTHER_PROMPT, SAMPLING = KINDS
GAPS = np.exp(np.linspace(np.log(0.005), np.log(0.5), 400))
HONEST = 0.4 * np.exp(-GAPS / 0.005)


def outcomes(share: np.ndarray, second: float) -> npt.NDArray[np.int8]:
    """Drawn: flips of this share, of which so many go to the second token."""
    generator = np.random.default_rng(4)
    fell = generator.random(GAPS.size) < np.maximum(share, HONEST)
    return np.array(fell * np.where(generator.random(GAPS.size) < second, 1, 2), np.int8)


@pytest.mark.parametrize(
    ("share", "second", "kind"),
    [
        (0.5 * np.exp(-GAPS / 0.03), 0.97, ROUNDING),
        (0.5 * np.exp(-GAPS / 0.1), 1.0, ROUNDING),
        (np.full(400, 0.65), 0.55, ANOTHER_MODEL),
        (0.25 + 0.3 * np.exp(-GAPS / 0.1), 0.75, ANOTHER_PROMPT),
        (np.full(400, 0.06), 0.0, SAMPLING),
        (0.9 * (GAPS > 0.2), 1.0, UNKNOWN),  # rises with the gap
        (np.where((GAPS > 0.05) & (GAPS < 0.2), 0.8, 0.0), 0.5, UNKNOWN),
    ],
)
def test_shapes_are_told_apart(share: np.ndarray, second: float, kind: str) -> None:
    """By 400 ties; what has none of the shapes is unknown."""
    assert kind_of(log_likelihood_ratios(GAPS, outcomes(share, second), HONEST)) == kind


def test_a_few_ties_tell_no_kind() -> None:
    """Six flips of ten are as large as anything."""
    few = slice(0, 400, 40)
    ratios = log_likelihood_ratios(GAPS[few], outcomes(np.full(400, 0.6), 0.6)[few], HONEST[few])
    assert kind_of(ratios) == UNKNOWN
    assert max(ratios.values()) > 0
