"""Rounded weights against torch and against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.engine.rounding import WeightRounding, round_bf16, round_integer, round_weights


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 70)).astype(np.float32)


def test_bf16_rounds_to_nearest_even_like_torch(weights: np.ndarray) -> None:
    """The nearest bfloat16, ties to even: torch's own conversion, to the bit."""
    torch = pytest.importorskip("torch")
    ties = np.array([[1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8), 0.0, -0.0, 3e38]], dtype=np.float32)
    for values in (weights, ties):
        expected = torch.from_numpy(values.copy()).to(torch.bfloat16).float().numpy()

        assert np.array_equal(round_bf16(values), expected)


@pytest.mark.parametrize(("bits", "levels"), [(8, 127), (4, 7)])
def test_integers_are_symmetric_per_output_channel(weights: np.ndarray, bits: int, levels: int) -> None:
    """Every row takes at most 2 * levels + 1 values, its largest weight stays, and no weight moves by half a step."""
    rounded = round_integer(weights, bits=bits)
    steps = np.abs(weights).max(axis=1, keepdims=True) / levels

    assert np.allclose(np.rint(rounded / steps), rounded / steps, atol=1e-4)
    assert np.abs(rounded - weights).max() <= steps.max() / 2 * 1.0001
    assert np.allclose(np.abs(rounded).max(axis=1), np.abs(weights).max(axis=1))


def test_blocks_have_scales_of_their_own(weights: np.ndarray) -> None:
    """With blocks a large weight coarsens only its own block; the last block may be shorter."""
    weights[0, 0] = 100
    rounded = round_integer(weights, bits=4, block=32)

    assert np.array_equal(rounded[:, 64:], round_integer(weights[:, 64:], bits=4))
    assert np.abs(rounded[0, 32:] - weights[0, 32:]).max() < 1


def test_a_row_of_zeros_stays(weights: np.ndarray) -> None:
    """No division by a scale of zero."""
    assert not round_integer(np.zeros_like(weights), bits=8).any()


def test_integer_variants_leave_vectors_alone(weights: np.ndarray) -> None:
    """Norm weights are vectors: only matrices are rounded to integers, and bf16 rounds both."""
    both = {"matrix": weights, "norm": weights[0]}

    assert np.array_equal(round_weights(both, WeightRounding.INT8)["norm"], weights[0])
    assert not np.array_equal(round_weights(both, WeightRounding.INT8)["matrix"], weights)
    assert not np.array_equal(round_weights(both, WeightRounding.BF16)["norm"], weights[0])
    assert round_weights(both, None) is both
