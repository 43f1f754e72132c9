"""Rows of logprobs against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from token_difr.server.generation.logprob_rows import chosen_logprobs, concatenate_rows, logprob_rows


@pytest.mark.parametrize("width", [5, 16, 100, 2048])
@pytest.mark.parametrize("k", [0, 1, 3, 20, 5000])
@pytest.mark.parametrize("steps", [0, 4])
def test_rows_are_the_definition(width: int, k: int, steps: int) -> None:
    """Log-softmax, rank with ties and the sorted top, with many equal values (steps of 1/4) and without."""
    generator = np.random.default_rng(width + k)
    logits = generator.normal(size=(30, width)).astype(np.float32) * 3
    if steps:
        logits = np.round(logits * steps) / np.float32(steps)
    logits[0, 0] = -np.inf
    tokens = generator.integers(0, width, 30)
    rows = logprob_rows(logits, tokens, k)
    exact = logits.astype(np.float64)
    expected = exact - np.log(np.exp(exact).sum(axis=1, keepdims=True))
    for i in range(30):
        order = sorted(range(width), key=lambda v: (-logits[i, v], v))[:k]

        assert rows.top_ids[i].tolist() == order
        assert rows.top_logprobs[i] == pytest.approx(expected[i, order], abs=1e-5)
        assert rows.logprobs[i] == pytest.approx(expected[i, tokens[i]], abs=1e-5)
        assert rows.ranks[i] == (logits[i] >= logits[i, tokens[i]]).sum()


def test_slices_and_parts() -> None:
    """A slice has the rows of its positions, and parts joined are the whole."""
    rows = logprob_rows(np.eye(6, dtype=np.float32), np.arange(6), 2)
    joined = concatenate_rows([rows[:2], rows[2:]])

    assert np.array_equal(joined.top_ids, rows.top_ids)
    assert len(rows[1:3]) == 2
    assert rows.narrow(1).top_ids.shape == (6, 1)


def test_no_rows() -> None:
    """No positions, no rows."""
    assert len(logprob_rows(np.empty((0, 8), dtype=np.float32), np.empty(0, dtype=np.int64), 3)) == 0


def numpy_normalizer(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of the sum of exp over each row in NumPy's float32, the sum in float64."""
    shift = logits.max(axis=1, keepdims=True)
    total = np.exp(logits - shift).sum(axis=1, keepdims=True, dtype=np.float64)
    normalizer: NDArray[np.float32] = shift + np.log(total).astype(np.float32)
    return normalizer


@given(
    st.integers(0, 6), st.integers(1, 400), st.integers(0, 60), st.sampled_from([0, 1, 4]), st.integers(0, 2**32 - 1)
)
def test_the_core_gives_what_numpy_gives(rows: int, width: int, k: int, steps: int, seed: int) -> None:
    """Ids and ranks are the same, ties and all; logprobs to the last bit of the normalizer."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, width)).astype(np.float32) * 5
    if steps:
        logits = np.round(logits * steps) / np.float32(steps)
    logits[generator.random(size=logits.shape) < 0.1] = -np.inf
    logits[:, 0] = np.nan_to_num(logits[:, 0], neginf=0.0)
    tokens = generator.integers(0, width, rows)
    found = logprob_rows(logits, tokens, k)
    order = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    claimed = np.take_along_axis(logits, tokens[:, None], axis=1)
    normalizer = numpy_normalizer(logits)
    ulp = 2 * float(np.spacing(np.abs(normalizer).max(initial=1)))

    assert np.array_equal(found.top_ids, order)
    assert np.array_equal(found.ranks, (logits >= claimed).sum(axis=1))
    assert found.top_logprobs == pytest.approx(np.take_along_axis(logits, order, axis=1) - normalizer, abs=ulp)
    assert found.logprobs == pytest.approx((claimed - normalizer)[:, 0], abs=ulp)
    assert np.array_equal(chosen_logprobs(logits, tokens.tolist())[range(rows), range(rows)], found.logprobs)


def test_arrays_in_another_order() -> None:
    """Columns of a larger array and transposed ones are read as they stand."""
    logits = np.random.default_rng(1).normal(size=(8, 40)).astype(np.float32)
    plain = logprob_rows(logits[:, ::2].copy(), np.arange(8), 5)

    assert np.array_equal(logprob_rows(logits[:, ::2], np.arange(8), 5).top_logprobs, plain.top_logprobs)
    with pytest.raises(ValueError, match=r"token_ids\[7\] is 20: an id is at least 0 and below the width"):
        logprob_rows(logits[:, ::2], np.array([0] * 7 + [20]), 5)
