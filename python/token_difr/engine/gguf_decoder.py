"""A GGUF file's decoder under Hugging Face's names: its configuration and its weights.

llama.cpp's ``llama`` turns neighboring numbers of a head where Hugging Face turns the halves of a head against each other, so
its files hold the rows of the projections to queries and keys in another order; they are put back here. The ``qwen`` families
have one order in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.engine.weights import Place, StoredTensor
from token_difr.errors import InputError, UnsupportedModelError
from token_difr.gguf.blocks import F32, byte_size, dequantized
from token_difr.gguf.container import GgufFile, GgufTensor

__all__ = ["configuration", "tensors_of"]

_ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
"""llama.cpp's architecture -> Hugging Face's ``model_type``. Mistral's dense models are llamas there."""
_ENDS = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_LAYER_PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_FREQUENCY_FACTORS = "rope_freqs.weight"
_NUMBERS = {
    "num_hidden_layers": "block_count",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
}
_REFUSED = (
    "expert_count",
    "attention.sliding_window",
    "attention.scale",
    "attention.max_alibi_bias",
    "attention.clamp_kqv",
    "logit_scale",
    "residual_scale",
    "embedding_scale",
    "rope.scaling.attn_factor",
)
"""Numbers that change the arithmetic in a way that the graph does not express; 0 = not used."""


def configuration(file: GgufFile) -> dict[str, Any]:
    """The configuration in Hugging Face's words.

    Raises:
        UnsupportedModelError: The architecture is another one, or asks for what the graph does not express.
        InputError: A number is missing.
    """
    architecture = file.metadata.get("general.architecture")
    if architecture not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise UnsupportedModelError(f"{file.path}: GGUF architecture {architecture!r} is none of {known}")
    own = {
        name.removeprefix(f"{architecture}."): value
        for name, value in file.metadata.items()
        if name.startswith(f"{architecture}.")
    }
    _refuse(file, own)
    config: dict[str, Any] = {name: own.get(key) for name, key in _NUMBERS.items()}
    shapes = {tensor.name: tensor.shape for tensor in file.tensors}
    if "token_embd.weight" not in shapes:
        raise InputError(f"{file.path}: the weight token_embd.weight is missing")
    return {
        **{name: value for name, value in config.items() if value is not None},
        "model_type": _ARCHITECTURES[architecture],
        "vocab_size": shapes["token_embd.weight"][0],
        "rms_norm_eps": own.get("attention.layer_norm_rms_epsilon", 1e-5),
        "attention_bias": "blk.0.attn_q.bias" in shapes,
        "mlp_bias": "blk.0.ffn_up.bias" in shapes,
        "tie_word_embeddings": "output.weight" not in shapes,
        "rope_parameters": _rope_parameters(file, own, shapes),
    }


def _refuse(file: GgufFile, own: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if own.get(name):
            raise UnsupportedModelError(f"{file.path}: {name} {own[name]}")
    for name in _NUMBERS.values():
        if isinstance(own.get(name), np.ndarray | list):
            raise UnsupportedModelError(f"{file.path}: {name} that differs from layer to layer")
    heads, width = own.get("attention.head_count"), own.get("embedding_length")
    size = own.get("attention.key_length") or (width // heads if heads and width else None)
    for name in ("attention.value_length", "rope.dimension_count"):
        if own.get(name, size) != size:
            raise UnsupportedModelError(f"{file.path}: {name} {own[name]} where a head has {size} numbers")


def _rope_parameters(file: GgufFile, own: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    kind = own.get("rope.scaling.type", "linear" if own.get("rope.scale_linear", 1) != 1 else "none")
    given = {
        "rope_theta": own.get("rope.freq_base", 1e4),
        "factor": own.get("rope.scaling.factor", own.get("rope.scale_linear")),
        "original_max_position_embeddings": own.get("rope.scaling.original_context_length"),
    }
    if _FREQUENCY_FACTORS in shapes:
        [tensor] = [tensor for tensor in file.tensors if tensor.name == _FREQUENCY_FACTORS]
        if kind != "none":
            raise UnsupportedModelError(f"{file.path}: {_FREQUENCY_FACTORS} beside rope.scaling.type {kind!r}")
        return {**given, "rope_type": "divided", "divisors": _values(file, tensor).tolist()}
    return {**given, "rope_type": "default" if kind == "none" else kind}


def tensors_of(file: GgufFile) -> dict[str, StoredTensor]:
    """The weights by Hugging Face's names.

    Raises:
        UnsupportedModelError: A tensor has no such name, or is of a type that cannot be read.
    """
    heads = {}
    if file.metadata.get("general.architecture") == "llama":
        queries = file.metadata.get("llama.attention.head_count")
        heads = {"attn_q": queries, "attn_k": file.metadata.get("llama.attention.head_count_kv", queries)}
    stored = {}
    for tensor in file.tensors:
        if tensor.name != _FREQUENCY_FACTORS:
            stored[_usual_name(file, tensor.name)] = _stored(file, tensor, heads.get(_part(tensor.name)))
    return stored


def _part(name: str) -> str:
    """``attn_q`` of ``blk.3.attn_q.weight``."""
    pieces = name.split(".")
    return pieces[2] if len(pieces) == 4 and pieces[0] == "blk" else ""


def _usual_name(file: GgufFile, name: str) -> str:
    part = _LAYER_PARTS.get(_part(name))
    if part is not None:
        _, layer, _, kind = name.split(".")
        return f"model.layers.{layer}.{part}.{kind}"
    if name not in _ENDS:
        raise UnsupportedModelError(f"{file.path}: the tensor {name}")
    return _ENDS[name]


def _stored(file: GgufFile, tensor: GgufTensor, heads: int | None) -> StoredTensor:
    """A tensor; of ``heads`` heads whose rows are to be put back in order, or None."""

    def read() -> NDArray[np.float32]:
        values = _values(file, tensor)
        return values if heads is None else _halves_apart(values, heads)

    mapped = tensor.kind == F32 and heads is None and tensor.offset % 4 == 0
    return StoredTensor(shape=tensor.shape, read=read, place=Place(file.path, tensor.offset) if mapped else None)


def _values(file: GgufFile, tensor: GgufTensor) -> NDArray[np.float32]:
    size = byte_size(tensor.kind, int(np.prod(tensor.shape)), tensor.name)
    return dequantized(file.bytes_of(tensor, size), tensor.kind, tensor.shape, tensor.name)


def _halves_apart(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows (r0, r1), (r2, r3), ... of each head as r0, r2, ..., r1, r3, ...; see the head of this file."""
    pairs = values.reshape(heads, -1, 2, *values.shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)
