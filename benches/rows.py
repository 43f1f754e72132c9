"""Rows to benchmark with: top-k logprobs as a language model gives them, and claimed tokens that are mostly the top.

The logprobs of a row fall off with the logarithm of the rank, by a slope of its own between 1.2 and 8, with some noise;
they hold 90 to 99.9 % of the mass. Ids are uniform below the vocabulary's size, without repetition in a row; 95 % of
the claimed tokens are the row's first, the others one of the next four.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["topk_arrays"]

CHUNK = 50_000


def topk_arrays(positions: int, *, k: int, vocab_size: int, seed: int = 0) -> dict[str, NDArray[np.generic]]:
    """The arrays of a ``TopKBatch`` by name, rows sorted; made in chunks, so that they are most of the memory used."""
    token_ids = np.empty((positions, k), np.uint32)
    logprobs = np.empty((positions, k), np.float32)
    claimed = np.empty(positions, np.uint32)
    rng = np.random.default_rng(seed)
    for start in range(0, positions, CHUNK):
        rows = slice(start, min(start + CHUNK, positions))
        count = rows.stop - start
        logprobs[rows] = _logprobs(rng, count, k)
        token_ids[rows] = _distinct_ids(rng, count, k, vocab_size)
        choice = np.where(rng.random(count) < 0.95, 0, rng.integers(1, min(k, 5), size=count))
        claimed[rows] = token_ids[rows][np.arange(count), choice]
    return {
        "indptr": np.arange(0, positions * k + 1, k),
        "token_ids": token_ids.ravel(),
        "logprobs": logprobs.ravel(),
        "claimed": claimed,
    }


def _logprobs(rng: np.random.Generator, rows: int, k: int) -> NDArray[np.float32]:
    """Descending rows without ties."""
    slope = rng.uniform(1.2, 8, size=(rows, 1))
    fall = np.cumsum(slope * np.diff(np.log(np.arange(1, k + 2))) * rng.uniform(0.2, 1.8, size=(rows, k)), axis=1)
    shown = rng.uniform(0.9, 0.999, size=(rows, 1))
    return (np.log(shown / np.exp(-fall).sum(axis=1, keepdims=True)) - fall).astype(np.float32)


def _distinct_ids(rng: np.random.Generator, rows: int, k: int, vocab_size: int) -> NDArray[np.uint32]:
    """Uniform ids; a row with a repetition is drawn again."""
    ids = rng.integers(vocab_size, size=(rows, k), dtype=np.uint32)
    again = np.arange(rows)
    while again.size:
        in_order = np.sort(ids[again], axis=1)
        again = again[(in_order[:, 1:] == in_order[:, :-1]).any(axis=1)]
        ids[again] = rng.integers(vocab_size, size=(again.size, k), dtype=np.uint32)
    return ids
