"""Weights rounded to fewer bits, kept as float32, and the names of variants with quantized kernels.

Rounded weights stand for quantized *weights*: the arithmetic stays float32, so what a quantized kernel adds of its own is missing.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from token_difr.errors import InputError

__all__ = ["INT4_BLOCK", "WeightRounding", "round_bf16", "round_integer", "round_weights", "rounded"]

INT4_BLOCK = 32
"""Weights that share a scale in ``int4-block32``, along the input axis."""


class WeightRounding(StrEnum):
    """How the weights of a variant are rounded."""

    BF16 = "bf16"
    INT8 = "int8"
    INT4 = "int4"
    INT4_BLOCK32 = "int4-block32"
    INT8_KERNEL = "int8-kernel"
    INT4_KERNEL = "int4-kernel"

    @property
    def kernel_bits(self) -> int | None:
        """Bits of the weights where the arithmetic is a quantized kernel's; None where weights alone are rounded."""
        return {WeightRounding.INT8_KERNEL: 8, WeightRounding.INT4_KERNEL: 4}.get(self)


def round_bf16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The nearest bfloat16 (8 bits of exponent, 7 of fraction), ties to even. Finite values only."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32)


def round_integer(values: NDArray[np.float32], *, bits: int, block: int | None = None) -> NDArray[np.float32]:
    """Symmetric integers of ``bits`` bits with one scale per row (output channel) or per ``block`` weights of a row.

    scale = max |w| / (2^(bits-1) - 1); w -> round(w / scale) * scale, halves to even.

    Args:
        values: [output channel, input]; for an embedding, [token, feature].
        bits: Width of the integers, at least 2.
        block: Weights that share a scale; the last block of a row may be shorter. None = the whole row.
    """
    levels = np.float32(2 ** (bits - 1) - 1)
    width = values.shape[1]
    block = block or width
    padded = np.pad(values, ((0, 0), (0, -width % block))).reshape(len(values), -1, block)
    scale = np.abs(padded).max(axis=2, keepdims=True) / levels
    scale = np.where(scale == 0, np.float32(1), scale)
    rounded = np.rint(padded / scale) * scale
    return np.ascontiguousarray(rounded.reshape(len(values), -1)[:, :width], dtype=np.float32)


def rounded(values: NDArray[np.float32], rounding: WeightRounding | None) -> NDArray[np.float32]:
    """The tensor of a variant: bf16 rounds every tensor, the integer forms round matrices only.

    Raises:
        InputError: The variant is one of quantized kernels.
    """
    match rounding:
        case None:
            return values
        case WeightRounding.BF16:
            return round_bf16(values)
        case WeightRounding.INT8:
            bits, block = 8, None
        case WeightRounding.INT4:
            bits, block = 4, None
        case WeightRounding.INT4_BLOCK32:
            bits, block = 4, INT4_BLOCK
        case WeightRounding.INT8_KERNEL | WeightRounding.INT4_KERNEL:
            raise InputError(f"{rounding} is no rounding of weights: its kernels run on the engine onnx alone")
    return round_integer(values, bits=bits, block=block) if values.ndim == 2 else values


def round_weights(
    weights: dict[str, NDArray[np.float32]], rounding: WeightRounding | None
) -> dict[str, NDArray[np.float32]]:
    """The weights of a variant by name; see :func:`rounded`."""
    return weights if rounding is None else {name: rounded(values, rounding) for name, values in weights.items()}
