"""Rows of logprobs against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr.server.generation.logprob_rows import concatenate_rows, logprob_rows


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
