"""Quantized kernels against the arithmetic that they stand for."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from token_difr.demo_model import MODEL_FOLDER
from token_difr.engine.graph.attention import linear
from token_difr.engine.graph.builder import GraphBuilder
from token_difr.engine.graph.quantized import quantize_layers
from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.rounding import WeightRounding, round_integer, round_weights
from token_difr.errors import InputError

ROWS, OUTPUTS, BLOCK = 5, 24, 32
NAME = "model.layers.0.mlp.up_proj"


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("inputs", [32, 160, 50])
def test_a_layer_is_that_of_rounded_weights_and_inputs(bits: int, inputs: int, *, bias: bool) -> None:
    """Within what 8 bits for the inputs of a layer may move; the last block of a row may be short."""
    random = np.random.default_rng(0)
    weight, added = (random.normal(size=shape).astype(np.float32) for shape in ((OUTPUTS, inputs), (OUTPUTS,)))
    x = random.normal(size=(ROWS, inputs)).astype(np.float32)
    graph = GraphBuilder()
    graph.input("x", TensorProto.FLOAT, ["rows", inputs])
    graph.output("y", ["rows", OUTPUTS])
    linear(graph, "x", NAME, (inputs, OUTPUTS), output="y", bias=bias)
    quantize_layers(graph, {f"{NAME}.weight": weight}.__getitem__, bits)
    if bias:
        del graph.weights[f"{NAME}.bias"]
        graph.constant(f"{NAME}.bias", added, np.float32)
    session = onnxruntime.InferenceSession(graph.serialized({}), providers=["CPUExecutionProvider"])
    [got] = session.run(["y"], {"x": x})
    near = round_integer(weight, bits=bits, block=BLOCK)
    expected = x @ near.T + (added if bias else 0)
    # An input moves by half a step of its block, at most max |x| / 254.
    allowed = np.abs(x).max() / 254 * np.abs(near).sum(axis=1).max() + 1e-3

    assert np.abs(got - expected).max() < allowed


def test_a_model_on_quantized_kernels() -> None:
    """Other logits than the model's own, the same in every session, and of 4 bits the further ones."""
    ids = np.arange(40)[None] * 17 % 2048
    places = np.arange(40)[None]

    def logits(variant: WeightRounding | None) -> NDArray[np.float32]:
        engine = OnnxEngine(MODEL_FOLDER, rounding=variant)
        return engine.forward(ids, places, np.ones_like(ids), engine.empty_cache()).logits

    int8, int4 = WeightRounding.INT8_KERNEL, WeightRounding.INT4_KERNEL
    exact, eight, four, again = (logits(variant) for variant in (None, int8, int4, int4))

    assert np.array_equal(four, again)
    assert 0 < np.abs(eight - exact).mean() < np.abs(four - exact).mean() / 3


def test_weights_are_not_rounded_to_kernels() -> None:
    """An engine that only rounds weights says that it cannot."""
    with pytest.raises(InputError, match="engine onnx"):
        round_weights({"a": np.ones((2, 2), np.float32)}, WeightRounding.INT4_KERNEL)
