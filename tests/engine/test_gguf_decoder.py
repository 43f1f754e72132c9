"""GGUF files of each family against folders of the same model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray
from safetensors.numpy import save_file

from gguf_files import write_gguf
from token_difr.engine.gguf_decoder import configuration, tensors_of
from token_difr.engine.graph.architecture import DecoderShape
from token_difr.engine.graph.decoder import build_graph
from token_difr.engine.onnx import OnnxEngine
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.gguf.container import GgufFile

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama with biases, tied": {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True},
    "mistral": {"model_type": "mistral", "sliding_window": None, "head_dim": 16},
    "qwen2": {"model_type": "qwen2"},
    "qwen3": {"model_type": "qwen3", "head_dim": 16},
    "another angle": {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
}


def weights_of(config: dict[str, Any]) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(0)
    shapes = build_graph(DecoderShape.from_config(config)).weights
    return {name: random.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}


def write_folder(folder: Path, config: dict[str, Any], weights: dict[str, NDArray[np.float32]]) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    save_file(weights, folder / "model.safetensors")
    return folder


def logits(path: Path) -> NDArray[np.float32]:
    engine, ids = OnnxEngine(path), np.arange(40)[None] * 7 % 96
    return engine.forward(ids, np.arange(40)[None], np.ones_like(ids), engine.empty_cache()).logits


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_the_folder(tmp_path: Path, family: str) -> None:
    """Every name, every order of rows, every number of the configuration."""
    config = CONFIG | FAMILIES[family]
    weights = weights_of(config)
    file = write_gguf(tmp_path / "model.gguf", config, weights)

    assert np.abs(logits(file) - logits(write_folder(tmp_path, config, weights))).max() < 1e-5


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0])
def test_quantized_weights_are_those_that_gguf_reads(tmp_path: Path, kind: Kind) -> None:
    """The model of a quantized file is that of its dequantized weights."""
    weights = weights_of(CONFIG)
    near = {
        name: values if values.ndim == 1 else gguf.quants.dequantize(gguf.quants.quantize(values, kind), kind)
        for name, values in weights.items()
    }
    file = write_gguf(tmp_path / "model.gguf", CONFIG, weights, kind=kind)

    assert np.abs(logits(file) - logits(write_folder(tmp_path, CONFIG, near))).max() < 1e-4


def test_divisors_of_angles(tmp_path: Path) -> None:
    """``rope_freqs.weight`` is llama3's scaling, worked out."""
    scaling = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
    scaled = {**CONFIG, "rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, **scaling}}
    frequencies = [np.array(DecoderShape.from_config(one).rotation.frequencies) for one in (CONFIG, scaled)]
    divisors = (frequencies[0] / frequencies[1]).astype(np.float32)
    weights = weights_of(CONFIG)
    file = write_gguf(tmp_path / "model.gguf", CONFIG, weights, tensors={"rope_freqs.weight": divisors})

    assert divisors.max() > 1
    assert np.abs(logits(file) - logits(write_folder(tmp_path, scaled, weights))).max() < 1e-4


@pytest.mark.parametrize(
    ("more", "rope"),
    [
        ({}, {"rope_type": "default"}),
        ({"{arch}.rope.scaling.type": "none"}, {"rope_type": "default"}),
        (
            {"{arch}.rope.scaling.type": "linear", "{arch}.rope.scaling.factor": 2.0},
            {"rope_type": "linear", "factor": 2},
        ),
        ({"{arch}.rope.scale_linear": 2.0}, {"rope_type": "linear", "factor": 2}),
        (
            {
                "{arch}.rope.scaling.type": "yarn",
                "{arch}.rope.scaling.factor": 4.0,
                "{arch}.rope.scaling.original_context_length": 32,
            },
            {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 32},
        ),
    ],
)
def test_scalings_of_angles(tmp_path: Path, more: dict[str, Any], rope: dict[str, Any]) -> None:
    """Under the names of either time."""
    file = write_gguf(tmp_path / "model.gguf", CONFIG, weights_of(CONFIG), more=more)
    found = configuration(GgufFile(file))["rope_parameters"]

    assert {name: value for name, value in found.items() if value is not None} == {"rope_theta": 1e4, **rope}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"{arch}.expert_count": 8}, "expert_count 8"),
        ({"{arch}.attention.sliding_window": 64}, "attention.sliding_window 64"),
        ({"{arch}.rope.scaling.attn_factor": 1.5}, "attn_factor 1.5"),
        ({"{arch}.rope.dimension_count": 4}, "rope.dimension_count 4 where a head has 8"),
        ({"{arch}.attention.value_length": 4}, "attention.value_length 4"),
        ({"{arch}.rope.scaling.type": "longrope"}, "'longrope'"),
    ],
)
def test_what_the_graph_does_not_express_is_refused(tmp_path: Path, more: dict[str, Any], named: str) -> None:
    """By its name."""
    file = write_gguf(tmp_path / "model.gguf", CONFIG, weights_of(CONFIG), more=more)
    with pytest.raises(UnsupportedModelError, match=named):
        OnnxEngine(file)


def test_other_architectures_and_tensors_are_refused(tmp_path: Path) -> None:
    """A family that is not known; a tensor that would be left out; a weight that is missing."""
    weights = weights_of(CONFIG)
    other = write_gguf(tmp_path / "other.gguf", {**CONFIG, "model_type": "mamba"}, weights)
    with pytest.raises(UnsupportedModelError, match="'mamba'"):
        OnnxEngine(other)
    extra = {"blk.0.attn_sinks.weight": np.zeros(4, np.float32)}
    file = write_gguf(tmp_path / "more.gguf", CONFIG, weights, tensors=extra)
    with pytest.raises(UnsupportedModelError, match="attn_sinks"):
        OnnxEngine(file)
    del weights["model.layers.1.mlp.up_proj.weight"]
    with pytest.raises(InputError, match=r"layers\.1\.mlp\.up_proj\.weight is missing"):
        OnnxEngine(write_gguf(tmp_path / "less.gguf", CONFIG, weights))


def test_float32_is_mapped(tmp_path: Path) -> None:
    """What lies in the file as the model takes it has a place there; what is put in order has none."""
    file = write_gguf(tmp_path / "model.gguf", CONFIG, weights_of(CONFIG))
    mapped = {name for name, tensor in tensors_of(GgufFile(file)).items() if tensor.place is not None}

    assert {name for name in weights_of(CONFIG) if "q_proj" not in name and "k_proj" not in name} == mapped
