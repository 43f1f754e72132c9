"""The graph that ships, the script that makes it, and graphs that others export."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from token_difr.errors import InputError
from token_difr.server.model.engine.onnx import OnnxEngine
from token_difr.server.model.engine.rounding import WeightRounding
from token_difr.server.model.engine.weights import read_weights
from token_difr.server.model.folder import ModelFolder

onnx = pytest.importorskip("onnx")

SCRIPT = Path(__file__).parents[4] / "scripts" / "build_onnx_graph.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    found = importlib.util.spec_from_file_location("build_onnx_graph", SCRIPT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    with pytest.MonkeyPatch.context() as patched:
        # Dataclasses look their module up while they are made.
        patched.setitem(sys.modules, found.name, module)
        found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config(folder: ModelFolder) -> dict[str, object]:
    parsed: dict[str, object] = json.loads((folder.path / "config.json").read_text())
    return parsed


def test_packaged_graph_is_what_the_script_makes(
    folder: ModelFolder, script: ModuleType, config: dict[str, object]
) -> None:
    """A few kilobytes, equal in every node and declaration."""
    built = script.build_graph(script.LlamaShape.from_config(config))
    packaged = onnx.load(folder.path / "model.onnx", load_external_data=False)

    assert (folder.path / "model.onnx").stat().st_size < 17_000
    ours, shipped = (taken_out(graph, "frequencies") for graph in (built.graph, packaged.graph))
    assert built.graph == packaged.graph
    # Powers in float32: processors, and NumPy's versions, round their last bit differently.
    np.testing.assert_allclose(ours, shipped, rtol=2 * float(np.finfo(np.float32).eps))


def taken_out(graph: Any, name: str) -> NDArray[np.float32]:
    """The values of an initializer, which is left without them."""
    (initializer,) = (each for each in graph.initializer if each.name == name)
    values: NDArray[np.float32] = onnx.numpy_helper.to_array(initializer)
    initializer.ClearField("raw_data")
    return values


@pytest.mark.parametrize(
    "changed", [{"model_type": "mamba"}, {"attention_bias": True}, {"rope_parameters": {"rope_type": "yarn"}}]
)
def test_models_that_the_graph_does_not_express_are_refused(
    script: ModuleType, config: dict[str, object], changed: dict[str, object]
) -> None:
    """Another architecture, biases, scaled rotary angles: one clear line."""
    with pytest.raises(SystemExit, match=r"only|not supported"):
        script.LlamaShape.from_config({**config, **changed})


def test_graph_with_its_own_weights(
    folder: ModelFolder, script: ModuleType, config: dict[str, object], tmp_path: Path
) -> None:
    """An export that holds its weights runs as it is, without safetensors, and cannot be rounded."""
    model = script.build_graph(script.LlamaShape.from_config(config))
    weights = read_weights(folder.path)
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    for tensor in model.graph.initializer:
        if tensor.name in weights:
            values = weights[tensor.name]
            transposed = values.ndim == 2 and tensor.name != "model.embed_tokens.weight"
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.T.copy() if transposed else values, tensor.name))
    onnx.save(model, tmp_path / "model.onnx")
    ids = np.array([[5, 6, 7, 8]])
    one, other = (
        engine.forward(ids, np.arange(4)[None], np.ones_like(ids), engine.empty_cache()).logits
        for engine in (OnnxEngine(tmp_path), OnnxEngine(folder.path))
    )

    assert np.array_equal(one, other)
    with pytest.raises(InputError, match="its own weights"):
        OnnxEngine(tmp_path, rounding=WeightRounding.INT8)


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
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10), tmp_path / "model.onnx"
    )
    with pytest.raises(InputError, match="pixels"):
        OnnxEngine(tmp_path)


def test_folder_without_weights_says_so(folder: ModelFolder, tmp_path: Path) -> None:
    """The packaged graph alone is no model."""
    (tmp_path / "model.onnx").write_bytes((folder.path / "model.onnx").read_bytes())
    with pytest.raises(InputError, match="safetensors"):
        OnnxEngine(tmp_path)
