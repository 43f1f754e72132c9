"""Linear layers on quantized kernels: what providers compute with, and not only weights that were rounded.

A weight matrix becomes integers of 8 or 4 bits, symmetric, a scale for 32 weights of a row, and ONNX Runtime's MatMulNBits
multiplies them at accuracy level 4: it rounds the inputs of a layer to 8 bits too, a scale for 32 of them, and adds
up in integers. The embedding and the head stay float32. The kernel's arithmetic depends on the processor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from token_difr.engine.graph.builder import MICROSOFT, GraphBuilder
from token_difr.engine.rounding import INT4_BLOCK

__all__ = ["quantize_layers"]

_BLOCK = INT4_BLOCK
_IN_INTEGERS = 4


def quantize_layers(graph: GraphBuilder, read: Callable[[str], NDArray[np.float32]], bits: int) -> None:
    """Puts every linear layer of a decoder's graph on a quantized kernel.

    Args:
        graph: Loses the weights of the layers, and holds their integers itself.
        read: Gives a weight by its name.
        bits: 8 or 4.
    """
    nodes: list[NodeProto] = []
    for node in graph.nodes:
        is_layer = node.op_type == "Gemm" and ".layers." in node.input[1]
        nodes += _quantized(graph, node, read(node.input[1]), bits) if is_layer else [node]
    graph.nodes[:] = nodes


def _quantized(graph: GraphBuilder, node: NodeProto, weight: NDArray[np.float32], bits: int) -> list[NodeProto]:
    x, name, *bias = node.input
    del graph.weights[name]
    integers, scales = _blocks(weight, bits)
    packed = integers if bits == 8 else integers[..., 0::2] | (integers[..., 1::2] << np.uint8(4))
    inputs = [x, graph.constant(f"{name}.integers", packed, np.uint8)]
    inputs.append(graph.constant(f"{name}.scales", scales, np.float32))
    outputs, width = weight.shape
    product = f"{node.output[0]}.product" if bias else node.output[0]
    sizes = {"K": width, "N": outputs, "bits": bits, "block_size": _BLOCK, "accuracy_level": _IN_INTEGERS}
    made = helper.make_node("MatMulNBits", inputs, [product], domain=MICROSOFT, **sizes)
    return [made, *(helper.make_node("Add", [product, each], [node.output[0]]) for each in bias)]


def _blocks(weight: NDArray[np.float32], bits: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Integers [row, block, weight] that stand for (q - 2^(bits-1)) * scale, and the scales [row, block].

    The last block of a row is filled up with zeros.
    """
    zero = np.float32(2 ** (bits - 1))
    padded = np.pad(weight, ((0, 0), (0, -weight.shape[1] % _BLOCK))).reshape(len(weight), -1, _BLOCK)
    scales = np.abs(padded).max(axis=2) / (zero - 1)
    scales = np.where(scales == 0, np.float32(1), scales)
    integers = (np.rint(padded / scales[..., None]) + zero).astype(np.uint8)
    return integers, scales.astype(np.float32)
