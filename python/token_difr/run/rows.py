"""A TopKBatch of one sequence as JSON values."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from token_difr.records import TopKBatch

__all__ = ["batch_from_record", "batch_to_record"]

ARRAYS: Mapping[str, str] = {
    "indptr": "<i8",
    "token_ids": "<u4",
    "logprobs": "<f4",
    "claimed": "<u4",
    "claimed_logprob": "<f4",
    "claimed_rank": "<i4",
    "prompt_lengths": "<i8",
}
"""The stored arrays and their little-endian types. ``sequence_indptr`` is [0, n]: a record holds one sequence."""


def batch_to_record(batch: TopKBatch) -> dict[str, Any]:
    """The arrays of a batch of one sequence in base64, by name."""
    record: dict[str, Any] = {"contiguous": bool(batch.contiguous)}
    for name, dtype in ARRAYS.items():
        array = getattr(batch, name)
        record[name] = None if array is None else base64.b64encode(array.astype(dtype).tobytes()).decode("ascii")
    return record


def batch_from_record(record: Mapping[str, Any]) -> TopKBatch:
    """The inverse of :func:`batch_to_record`.

    Raises:
        KeyError: An array is missing.
        ValueError: An array is not base64, or the arrays form no valid batch (``BatchError``).
    """
    arrays = {name: _array(record[name], dtype) for name, dtype in ARRAYS.items()}
    claimed = arrays["claimed"]
    if claimed is None:
        raise ValueError("no claimed tokens")
    return TopKBatch(
        **arrays,  # type: ignore[arg-type]  # the constructor checks them
        sequence_indptr=np.array([0, len(claimed)], dtype=np.int64),
        contiguous=record["contiguous"],
    )


def _array(text: str | None, dtype: str) -> npt.NDArray[Any] | None:
    if text is None:
        return None
    array = np.frombuffer(base64.b64decode(text, validate=True), dtype=dtype)
    return array.astype(array.dtype.newbyteorder("="))
