"""P-values together: by hand, and against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.verdict.multiplicity import benjamini_hochberg, holm

CASES = [
    ([], [], []),
    ([0.02], [0.02], [0.02]),
    ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], [0.02, 0.04, 0.04, 0.02]),
    ([0.9, 0.8, 0.7], [1.0, 1.0, 1.0], [0.9, 0.9, 0.9]),
    ([0.01, 0.01], [0.02, 0.02], [0.01, 0.01]),
]


@pytest.mark.parametrize(("given", "by_holm", "by_benjamini_hochberg"), CASES)
def test_by_hand(given: list[float], by_holm: list[float], by_benjamini_hochberg: list[float]) -> None:
    """In the order given."""
    np.testing.assert_allclose(holm(given), by_holm)
    np.testing.assert_allclose(benjamini_hochberg(given), by_benjamini_hochberg)


def test_by_the_procedures() -> None:
    """Who lies below the level is whom the step-down and the step-up procedure reject."""
    generator = np.random.default_rng(0)
    for _ in range(50):
        p_values, level = generator.random(8) ** 3, 0.05
        ordered = np.sort(p_values)
        fails = np.flatnonzero(ordered >= level / (8 - np.arange(8)))
        down = int(fails[0]) if fails.size else 8
        passes = np.flatnonzero(ordered < level * np.arange(1, 9) / 8)
        up = int(passes[-1]) + 1 if passes.size else 0
        assert (holm(p_values) < level).sum() == down
        assert (benjamini_hochberg(p_values) < level).sum() == up
