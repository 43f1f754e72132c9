"""GGUF files of models whose configuration and weights a test has, written by the package ``gguf``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

__all__ = ["add_tokenizer", "write_gguf"]

LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
ENDS = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def write_gguf(
    target: Path,
    config: Mapping[str, Any],
    weights: Mapping[str, NDArray[np.float32]],
    *,
    kind: Kind = Kind.F32,
    tokenizer: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    tensors: Mapping[str, NDArray[np.float32]] | None = None,
) -> Path:
    """A decoder as llama.cpp's converter writes it.

    Args:
        target: The file.
        config: In Hugging Face's words.
        weights: By Hugging Face's names.
        kind: Type of the matrices.
        tokenizer: See :func:`add_tokenizer`.
        more: Metadata beside the usual; numbers, texts or lists.
        tensors: Tensors beside the weights, by ggml's names.
    """
    family = "llama" if config["model_type"] == "mistral" else config["model_type"]
    writer = gguf.GGUFWriter(str(target), family)
    heads = config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config.get("rms_norm_eps", 1e-6))
    writer.add_rope_freq_base(config.get("rope_parameters", {}).get("rope_theta", 1e4))
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])
    if tokenizer is not None:
        add_tokenizer(writer, tokenizer)
    for name, value in (more or {}).items():
        add: dict[type, Any] = {
            str: writer.add_string,
            float: writer.add_float32,
            int: writer.add_uint32,
            bool: writer.add_bool,
        }
        add.get(type(value), writer.add_array)(name.replace("{arch}", family), value)
    permuted = {"q_proj": heads, "k_proj": config["num_key_value_heads"]} if family == "llama" else {}
    for name, values in weights.items():
        count = next((count for part, count in permuted.items() if part in name), None)
        _add_tensor(writer, _short_name(name), values if count is None else _interleaved(values, count), kind)
    for name, values in (tensors or {}).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def _short_name(name: str) -> str:
    if name in ENDS:
        return ENDS[name]
    _, _, layer, *parts, kind = name.split(".")
    return f"blk.{layer}.{LAYER_NAMES['.'.join(parts)]}.{kind}"


def _interleaved(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """GGUF's llama interleaves the halves of a head that rotate together."""
    halves = values.reshape(heads, 2, -1, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)


def _add_tensor(writer: Any, name: str, values: NDArray[np.float32], kind: Kind) -> None:
    if values.ndim == 1 or kind is Kind.F32:
        writer.add_tensor(name, np.ascontiguousarray(values))
    else:
        writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(values), kind), raw_dtype=kind)


def add_tokenizer(writer: Any, described: Mapping[str, Any]) -> None:
    """A byte-level tokenizer.

    Args:
        writer: The file's.
        described: ``tokenizer.json``, and beside it ``eos_token_id`` and ``chat_template``.
    """
    added = {token["content"]: token["id"] for token in described["added_tokens"]}
    pieces = sorted((described["model"]["vocab"] | added).items(), key=lambda item: item[1])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([piece for piece, _ in pieces])
    writer.add_token_types([3 if piece in added else 1 for piece, _ in pieces])
    writer.add_token_merges(
        [pair if isinstance(pair, str) else " ".join(pair) for pair in described["model"]["merges"]]
    )
    writer.add_eos_token_id(described["eos_token_id"])
    writer.add_chat_template(described["chat_template"])
