"""A GGUF file is served like the folder that it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.server import ModelService, ServerSettings
from token_difr.server.model.engine.weights import read_weights
from token_difr.server.model.folder import ModelFolder

gguf = pytest.importorskip("gguf")
pytest.importorskip("torch")

LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@pytest.fixture(scope="module")
def file(folder: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged model as a GGUF file in float32."""
    target = tmp_path_factory.mktemp("gguf") / "small.gguf"
    config = json.loads((folder.path / "config.json").read_text())
    writer = gguf.GGUFWriter(str(target), "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, folder)
    _add_tensors(writer, folder, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def _add_tokenizer(writer: Any, folder: ModelFolder) -> None:
    tokenizer = json.loads((folder.path / "tokenizer.json").read_text(encoding="utf-8"))
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    pieces = sorted((tokenizer["model"]["vocab"] | added).items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([piece for piece, _ in pieces])
    writer.add_token_types([3 if piece in added else 1 for piece, _ in pieces])
    writer.add_token_merges(
        [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    )
    writer.add_eos_token_id(min(folder.end_token_ids))
    writer.add_chat_template((folder.path / "chat_template.jinja").read_text())


def _add_tensors(writer: Any, folder: ModelFolder, config: dict[str, Any]) -> None:
    names = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    for layer in range(config["num_hidden_layers"]):
        for name, short in LAYER_NAMES.items():
            names[f"model.layers.{layer}.{name}.weight"] = f"blk.{layer}.{short}.weight"
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for name, values in read_weights(folder.path).items():
        count = next((count for part, count in heads.items() if part in name), None)
        if count is not None:
            # GGUF's llama interleaves the halves of a head that rotate together.
            rows, columns = values.shape
            values = values.reshape(count, 2, rows // count // 2, columns).swapaxes(1, 2).reshape(rows, columns)  # noqa: PLW2901
        writer.add_tensor(names[name], np.ascontiguousarray(values))


def test_file_is_the_folder(file: Path, folder: ModelFolder) -> None:
    """The same ids, template, end tokens and logits as from the folder."""
    served = ModelService(ServerSettings(model=file))
    packaged = ModelService(ServerSettings(model="demo"))
    messages = [{"role": "user", "content": "What is 🎉?"}]
    assert served.template is not None
    assert folder.template is not None
    text = served.template.render(messages)
    ids = served.folder.tokenizer.encode(text, add_special_tokens=False)
    array, positions = np.array([ids]), np.arange(len(ids))[None]
    one, other = (
        service.engine.forward(array, positions, np.ones_like(array), service.engine.empty_cache()).logits
        for service in (served, packaged)
    )

    assert text == folder.template.render(messages)
    assert ids == folder.tokenizer.encode(text, add_special_tokens=False)
    assert served.folder.end_token_ids == folder.end_token_ids
    assert served.folder.context_length == folder.context_length
    assert np.abs(one - other).max() < 1e-3
