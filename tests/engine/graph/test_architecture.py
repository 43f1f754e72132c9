"""What configurations say of a graph, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from token_difr.engine.graph.architecture import DecoderShape
from token_difr.engine.onnx import OnnxEngine
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.server.model.folder import ModelFolder

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LLAMA3 = {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
QWEN_WINDOW = {"sliding_window": 8, "use_sliding_window": True}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model_type": "mamba"}, "'mamba'"),
        ({"model_type": None}, "None"),
        ({"hidden_act": "gelu"}, "'gelu'"),
        ({"quantization_config": {"quant_method": "gptq"}}, "'gptq'"),
        ({"architectures": ["LlamaForSequenceClassification"]}, "LlamaForSequenceClassification"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "'dynamic'"),
        ({"rope_parameters": {"rope_type": "longrope", "short_factor": [1.0]}}, "'longrope'"),
        ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, "from layer to layer"),
        ({"rope_parameters": {**YARN, "mscale": 0.7}}, "'yarn'"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor 0.5"),
        ({"model_type": "qwen3", **QWEN_WINDOW, "layer_types": ["chunked"] * 2}, "chunked"),
        ({"model_type": "qwen3", **QWEN_WINDOW, "layer_types": ["full_attention"]}, "layer_types 1"),
    ],
)
def test_what_the_graph_does_not_express_is_refused(changed: dict[str, Any], named: str) -> None:
    """By the name of what it is, and with torch as the way out."""
    with pytest.raises(UnsupportedModelError, match=r"token-difr\[torch\]") as raised:
        DecoderShape.from_config({**CONFIG, **changed})

    assert named in str(raised.value)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"hidden_size": None}, "hidden_size"),
        ({"num_hidden_layers": "two"}, "num_hidden_layers"),
        ({"num_key_value_heads": 3}, "4 heads cannot share 3"),
        ({"head_dim": 7}, "7 numbers"),
        ({"rope_scaling": {"type": "linear"}}, "factor"),
        ({"rope_scaling": {"type": "linear", "factor": -1}}, "factor, not -1"),
        ({"model_type": "qwen2", "num_key_value_heads": None}, "num_key_value_heads"),
    ],
)
def test_configurations_that_are_wrong(changed: dict[str, Any], named: str) -> None:
    """A number that is missing or none."""
    with pytest.raises(InputError, match=named):
        DecoderShape.from_config({**CONFIG, **changed})


@pytest.mark.parametrize(
    ("config", "windows"),
    [
        ({"model_type": "llama", "sliding_window": 8}, (None, None)),
        ({"model_type": "mistral"}, (4096, 4096)),
        ({"model_type": "mistral", "sliding_window": None}, (None, None)),
        ({"model_type": "qwen2", "sliding_window": 8}, (None, None)),
        ({"model_type": "qwen2", **QWEN_WINDOW}, (None, None)),
        ({"model_type": "qwen2", **QWEN_WINDOW, "max_window_layers": 1}, (None, 8)),
        ({"model_type": "qwen3", **QWEN_WINDOW, "layer_types": ["sliding_attention", "full_attention"]}, (8, None)),
    ],
)
def test_windows(config: dict[str, Any], windows: tuple[int | None, ...]) -> None:
    """Each family has its own way to say which layers see how far."""
    assert DecoderShape.from_config({**CONFIG, **config}).windows == windows


def test_old_names_of_rotary_settings() -> None:
    """``rope_theta`` and ``rope_scaling`` mean what ``rope_parameters`` means."""
    old = {"rope_theta": 5e5, "rope_scaling": {"type": "llama3", **LLAMA3}}
    new = {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, **LLAMA3}}

    assert DecoderShape.from_config({**CONFIG, **old}) == DecoderShape.from_config({**CONFIG, **new})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"intermediate_size": 12}, "by the configuration it is"),
        ({"num_hidden_layers": 5}, "is missing"),
        ({"num_hidden_layers": 3}, "does not tell of"),
        ({"attention_bias": True}, "bias is missing"),
    ],
)
def test_weights_must_be_those_of_the_configuration(
    folder: ModelFolder, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    """Another width, a layer or a bias that is missing, a weight too many: each is named."""
    (tmp_path / "model.safetensors").write_bytes((folder.path / "model.safetensors").read_bytes())
    config = json.loads((folder.path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **changed}))
    with pytest.raises(InputError, match=said):
        OnnxEngine(tmp_path)
