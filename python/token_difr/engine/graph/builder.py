"""Nodes, constants and weights of a graph while it is put together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["MICROSOFT", "GraphBuilder"]

MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""
OPSET = 23
IR_VERSION = 10


class GraphBuilder:
    """Collects what a graph is made of; every method returns the name of the value it defines.

    Attributes:
        weights: The weights that were asked for by name, with their shapes.
        nodes: The operators, in an order in which they can run.
    """

    def __init__(self) -> None:
        self.weights: dict[str, tuple[int, ...]] = {}
        self.nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """One operator with one output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def split(self, x: str, sizes: str, outputs: Sequence[str], *, axis: int) -> Sequence[str]:
        """A value cut into several."""
        self.nodes.append(helper.make_node("Split", [x, sizes], list(outputs), axis=axis))
        return outputs

    def constant(self, name: str, values: Any, dtype: type = np.int64) -> str:
        """A small constant that is stored in the graph; defining the same name twice gives one constant."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.asarray(values, dtype=dtype), name)
        return name

    def weight(self, name: str, shape: Sequence[int]) -> str:
        """A float32 weight whose values lie outside of the graph; asking twice gives one weight."""
        self.weights[name] = tuple(shape)
        return name

    def input(self, name: str, element_type: int, shape: Sequence[int | str]) -> str:
        """An input of the graph."""
        self._inputs.append(helper.make_tensor_value_info(name, element_type, shape))
        return name

    def output(self, name: str, shape: Sequence[int | str]) -> str:
        """A float32 output of the graph; a node of this name makes it."""
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def serialized(self, places: Mapping[str, tuple[str, int]]) -> bytes:
        """The whole in ONNX's file format.

        Args:
            places: For each weight the name of the file that holds it, and the bytes before its first value there.
        """
        weights = [_outside(name, shape, *places[name]) for name, shape in self.weights.items()]
        tensors = [*self._constants.values(), *weights]
        model = helper.make_model(
            helper.make_graph(self.nodes, "decoder", self._inputs, self._outputs, tensors),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=IR_VERSION,
            producer_name="token-difr",
        )
        data: bytes = model.SerializeToString()
        return data


def _outside(name: str, shape: Sequence[int], file: str, offset: int) -> onnx.TensorProto:
    """A float32 tensor whose values lie in a file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", file), ("offset", offset), ("length", 4 * math.prod(shape))):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
