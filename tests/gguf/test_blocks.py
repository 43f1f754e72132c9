"""Types of ggml against the package ``gguf``."""

from __future__ import annotations

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind

from token_difr.errors import UnsupportedModelError
from token_difr.gguf.blocks import byte_size, dequantized

ROWS, WIDTH = 3, 512


@pytest.mark.parametrize(
    "kind",
    [
        *(Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1),
        *(Kind.Q2_K, Kind.Q3_K, Kind.Q4_K, Kind.Q5_K, Kind.Q6_K, Kind.IQ4_NL),
    ],
)
def test_values_are_those_of_the_package(kind: Kind) -> None:
    """To the bit, on bytes that no writer would write: any is a value."""
    values, size = gguf.GGML_QUANT_SIZES[kind]
    data = np.random.default_rng(0).integers(0, 120, ROWS * WIDTH // values * size).astype(np.uint8)
    expected = gguf.quants.dequantize(data.reshape(ROWS, -1), kind)
    got = dequantized(data, int(kind), (ROWS, WIDTH), "t")

    assert byte_size(int(kind), ROWS * WIDTH, "t") == data.size
    assert got.dtype == np.float32
    assert np.array_equal(got, expected, equal_nan=True)


@pytest.mark.parametrize("kind", [999, 4])
def test_types_that_nobody_reads(kind: int) -> None:
    """By the name of the tensor."""
    with pytest.raises(UnsupportedModelError, match=r"tensor blk\.7"):
        byte_size(kind, 32, "blk.7")


def test_type_that_the_package_only_names() -> None:
    """It knows the size of more types than it can read."""
    with pytest.raises(UnsupportedModelError, match="Q8_K"):
        dequantized(np.zeros(292, np.uint8), int(Kind.Q8_K), (1, 256), "t")
