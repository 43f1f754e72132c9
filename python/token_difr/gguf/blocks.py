"""Values of ggml's types as float32.

A quantized type cuts rows into blocks, each with a scale (float16), and value = scale * integer, plus an offset or not:

* Q8_0: 32 signed bytes; scale * q.
* Q4_0: 32 half bytes; scale * (q - 8). The low halves are values 0 to 15, the high ones 16 to 31.
* Q4_1: scale and offset, 32 half bytes; scale * q + offset.

The package ``gguf`` knows the others (K-quants and more).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import UnsupportedModelError, unimportable

__all__ = ["F32", "byte_size", "dequantized", "type_name"]

F32 = 0


class _Type(NamedTuple):
    """A type that is read here: values and bytes of a block, and what reads the blocks of uint8[block, bytes]."""

    values: int
    bytes: int
    read: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def _from_float16(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(blocks).view("<f2").astype(np.float32)


def _from_bfloat16(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (np.ascontiguousarray(blocks).view("<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)


def _from_q8_0(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = blocks[:, 2:].view(np.int8).astype(np.float32)
    values *= _from_float16(blocks[:, :2])
    return values


def _from_q4_0(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = _halves(blocks[:, 2:])
    values -= np.float32(8)
    values *= _from_float16(blocks[:, :2])
    return values


def _from_q4_1(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    scale_and_offset, values = _from_float16(blocks[:, :4]), _halves(blocks[:, 4:])
    values *= scale_and_offset[:, :1]
    values += scale_and_offset[:, 1:]
    return values


def _halves(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The half bytes of each block: all low ones, then all high ones."""
    values = np.empty((len(packed), 2 * packed.shape[1]), dtype=np.float32)
    values[:, : packed.shape[1]] = packed & np.uint8(15)
    values[:, packed.shape[1] :] = packed >> np.uint8(4)
    return values


_TYPES = {
    F32: _Type(1, 4, lambda blocks: blocks.view("<f4")),
    1: _Type(1, 2, _from_float16),
    2: _Type(32, 18, _from_q4_0),
    3: _Type(32, 20, _from_q4_1),
    8: _Type(32, 34, _from_q8_0),
    30: _Type(1, 2, _from_bfloat16),
}
"""By ggml's number."""


def byte_size(kind: int, count: int, tensor: str) -> int:
    """Bytes of so many values.

    Args:
        kind: ggml's number of their type.
        count: Values.
        tensor: Whose, for the error.

    Raises:
        UnsupportedModelError: Nobody here knows the type.
    """
    if kind in _TYPES:
        values, size = _TYPES[kind].values, _TYPES[kind].bytes
    else:
        gguf = _gguf(f"tensor {tensor}")
        try:
            values, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(kind)]
        except (ValueError, KeyError) as error:
            raise UnsupportedModelError(f"tensor {tensor} is of ggml's type {kind}, which is not known") from error
    return -(-count // values) * size


def dequantized(data: NDArray[np.uint8], kind: int, shape: tuple[int, ...], tensor: str) -> NDArray[np.float32]:
    """The values of a tensor.

    Args:
        data: Its bytes.
        kind: ggml's number of their type.
        shape: Its shape.
        tensor: Its name, for the error.

    Raises:
        UnsupportedModelError: The package ``gguf`` does not read the type.
    """
    if kind in _TYPES:
        known = _TYPES[kind]
        return known.read(data.reshape(-1, known.bytes)).reshape(-1)[: math.prod(shape)].reshape(shape)
    gguf = _gguf(f"tensor {tensor}")
    try:
        # In one row: rows of a tensor are read sixteen at a time, which for narrow ones takes twice as long.
        values = gguf.quants.dequantize(data.reshape(1, -1), gguf.GGMLQuantizationType(kind))
    except NotImplementedError as error:
        raise UnsupportedModelError(
            f"tensor {tensor} is {type_name(kind)}, which the package gguf cannot read"
        ) from error
    return np.asarray(values, dtype=np.float32).reshape(shape)


def type_name(kind: int) -> str:
    """The name that ggml gives a type."""
    return str(_gguf("the name of a type").GGMLQuantizationType(kind).name)


def _gguf(needed_by: str) -> ModuleType:
    try:
        import gguf
        import gguf.quants
    except ImportError as error:
        raise unimportable(error, "gguf", needed_by, "token-difr[serve]") from error
    return gguf
