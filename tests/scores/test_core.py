"""The native functions as Python meets them."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import _core


def test_the_bootstrap_stream_is_pinned() -> None:
    """The replicates of a seed are part of the interface: a verdict can be repeated."""
    numerators = np.array([[1.0, 4.0], [2.0, 0.0], [4.0, 1.0]])
    denominators = np.array([[2.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
    ratios = _core.cluster_bootstrap(numerators, denominators, resamples=4, seed=42)

    assert ratios.shape == (4, 2)
    assert ratios[:, 0].tolist() == [1.0, 1.0, 0.9, 0.75]
    assert np.isnan(ratios[:, 1]).all()
    assert ratios.tobytes() == _core.cluster_bootstrap(numerators, denominators, resamples=4, seed=42).tobytes()


def test_shapes_that_differ_are_errors() -> None:
    """Numerators and denominators belong together."""
    with pytest.raises(ValueError, match="denominators has 4 entries, but sequences x statistics asks for 6"):
        _core.cluster_bootstrap(np.ones((3, 2)), np.ones((2, 2)), resamples=1, seed=0)


def test_no_sequences_give_no_ratios() -> None:
    """Zero sequences: every ratio is NaN. Zero statistics: no columns."""
    assert np.isnan(_core.cluster_bootstrap(np.ones((0, 2)), np.ones((0, 2)), resamples=3, seed=0)).all()
    assert _core.cluster_bootstrap(np.ones((3, 0)), np.ones((3, 0)), resamples=3, seed=0).shape == (3, 0)
