"""Graphs that others export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from token_difr.engine.onnx import OnnxEngine
from token_difr.engine.rounding import WeightRounding
from token_difr.errors import InputError

VOCABULARY, SIZE = 11, 4


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with a graph as exporters write them: one cache that is handed back whole, weights inside.

    The logits of a token are those that stand for it, times the number of columns that it sees.
    """
    helper, number, whole = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    weights = np.random.default_rng(0).normal(size=(VOCABULARY, VOCABULARY)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["own"]),
        helper.make_node("ReduceSum", ["attention_mask", "one"], ["seen"], keepdims=1),
        helper.make_node("Cast", ["seen"], ["seen_number"], to=number),
        helper.make_node("Unsqueeze", ["seen_number", "one"], ["scale"]),
        helper.make_node("Mul", ["own", "scale"], ["logits"]),
        helper.make_node("Slice", ["own", "zero", "four", "two"], ["narrow"]),
        helper.make_node("Unsqueeze", ["narrow", "one"], ["columns"]),
        helper.make_node("Concat", ["past_key_values.0.key", "columns"], ["present.0.key"], axis=2),
        helper.make_node("Concat", ["past_key_values.0.value", "columns"], ["present.0.value"], axis=2),
    ]
    inputs = [
        helper.make_tensor_value_info(name, whole, ["b", f"{name}_s"]) for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("logits", number, ["b", "s", "v"])]
    for part in ("key", "value"):
        inputs.append(helper.make_tensor_value_info(f"past_key_values.0.{part}", number, ["b", 1, "p", SIZE]))
        outputs.append(helper.make_tensor_value_info(f"present.0.{part}", number, ["b", 1, "t", SIZE]))
    constants = {"zero": [0], "one": [1], "two": [2], "four": [SIZE]}
    tensors = [onnx.numpy_helper.from_array(np.array(values), name) for name, values in constants.items()]
    tensors.append(onnx.numpy_helper.from_array(weights, "weights"))
    save(tmp_path, helper.make_graph(nodes, "g", inputs, outputs, tensors))
    return tmp_path


def save(folder: Path, graph: Any) -> None:
    opsets = [onnx.helper.make_opsetid("", 23)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), folder / "model.onnx")


def test_graph_with_its_own_weights(exported: Path) -> None:
    """It runs as it is, with neither configuration nor safetensors; columns and logits are those that are asked for."""
    engine = OnnxEngine(exported)
    ids = np.array([[5, 6, 7, 8]])
    whole = engine.forward(ids, np.arange(4)[None], np.ones_like(ids), engine.empty_cache())
    part = engine.forward(ids, np.arange(4)[None], np.ones_like(ids), engine.empty_cache(), logits_from=3)

    assert engine.vocabulary_size == VOCABULARY
    assert whole.logits.shape == (1, 4, VOCABULARY)
    assert np.array_equal(part.logits, whole.logits[:, 3:])
    assert [column.shape for column in whole.columns] == [(1, 1, 4, SIZE)] * 2


def test_columns_without_a_token_are_moved_out_of_the_way(exported: Path) -> None:
    """Rows of two lengths, with room behind them: an export that counts columns sees none that no row uses."""
    engine = OnnxEngine(exported)
    cache = [np.arange(2 * 6 * SIZE, dtype=np.float32).reshape(2, 1, 6, SIZE)] * 2
    mask = np.array([[1, 1, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0, 1]])
    result = engine.forward(np.array([[2], [2]]), np.array([[3], [1]]), mask, cache)
    alone = engine.forward(np.array([[2]]), np.array([[1]]), np.array([[1, 1]]), [cache[0][1:, :, :1]] * 2)

    assert np.array_equal(result.logits[1:], alone.logits)
    assert [column.shape for column in result.columns] == [(2, 1, 1, SIZE)] * 2


def test_weights_of_an_export_cannot_be_rounded(exported: Path) -> None:
    """They lie inside of it."""
    with pytest.raises(InputError, match="its own weights"):
        OnnxEngine(exported, rounding=WeightRounding.INT8)


def test_graph_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Inputs and outputs that are not a decoder's are named."""
    shape = [1, 2]
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Neg", ["pixels"], ["scores"])],
        "g",
        [helper.make_tensor_value_info("pixels", number, shape)],
        [helper.make_tensor_value_info("scores", number, shape)],
    )
    save(tmp_path, graph)
    with pytest.raises(InputError, match="pixels"):
        OnnxEngine(tmp_path)
