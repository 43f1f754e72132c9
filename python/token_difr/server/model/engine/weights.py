"""Reading the weights of a model folder as float32 arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError

__all__ = ["read_weights"]


def read_weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """All tensors of the folder's safetensors files by name, as float32.

    Raises:
        InputError: No safetensors file, or a tensor that is neither float32, float16 nor bfloat16.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(f"{folder}: no *.safetensors file: the model's weights are missing")
    weights: dict[str, NDArray[np.float32]] = {}
    for file in files:
        weights.update(_read_file(file))
    return weights


def _read_file(file: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors import deserialize as untyped_deserialize

    deserialize: Callable[[bytes], list[tuple[str, dict[str, Any]]]] = untyped_deserialize

    readers = {"F32": _from_float32, "F16": _from_float16, "BF16": _from_bfloat16}
    weights = {}
    for name, tensor in deserialize(file.read_bytes()):
        if tensor["dtype"] not in readers:
            raise InputError(f"{file}: tensor {name} is {tensor['dtype']}; only F32, F16 and BF16 can be read")
        weights[name] = readers[tensor["dtype"]](tensor["data"]).reshape(tensor["shape"])
    return weights


def _from_float32(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, dtype="<f4").astype(np.float32)


def _from_float16(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, dtype="<f2").astype(np.float32)


def _from_bfloat16(data: bytes) -> NDArray[np.float32]:
    # NumPy has no bfloat16: it is the upper half of a float32.
    return (np.frombuffer(data, dtype="<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)
