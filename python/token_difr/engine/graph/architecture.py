"""What a model's configuration says of its graph.

The families have one shape: embedding, layers of attention and gated feed-forward with root-mean-square norms, output head.
They differ in where biases stand, in norms of queries and keys, and in windows. A configuration that asks for more is
refused by the name of what it asks for: a graph that left it out would score another model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from token_difr.engine.graph.rotary import Rotation
from token_difr.errors import InputError, UnsupportedModelError

__all__ = ["FAMILIES", "DecoderShape", "check_family"]

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
"""Model types that a graph is built for."""
QWEN3_HEAD_SIZE, MISTRAL_WINDOW = 128, 4096
"""What a configuration means that does not say it."""


@dataclass(frozen=True, kw_only=True)
class DecoderShape:
    """What fixes a decoder's graph.

    Attributes:
        vocabulary: Width of the logits.
        hidden: Width of the residual stream.
        intermediate: Width of the feed-forward layers.
        layers: Their number.
        heads: Heads of the queries.
        kv_heads: Heads of keys and values; each serves heads / kv_heads queries.
        head_size: Width of a head; even.
        epsilon: Added to the mean square in every norm.
        rotation: How queries and keys are turned by their positions.
        input_biases: The projections to queries, keys and values have biases.
        output_bias: So does the one behind the attention.
        feed_forward_biases: So do those of the feed-forward layers.
        head_norms: Queries and keys are normalized, each head for itself, before they are turned.
        windows: For each layer the number of tokens it sees, the token itself included; None = all.
        tied: The output head is the embedding.
    """

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    epsilon: float
    rotation: Rotation
    input_biases: bool
    output_bias: bool
    feed_forward_biases: bool
    head_norms: bool
    windows: tuple[int | None, ...]
    tied: bool

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> DecoderShape:
        """Reads a Hugging Face configuration.

        Raises:
            UnsupportedModelError: It asks for what the graph does not express.
            InputError: It lacks a number that it must have.
        """
        check_family(config)
        family, attention_bias = config["model_type"], bool(config.get("attention_bias"))
        heads, hidden = _number(config, "num_attention_heads"), _number(config, "hidden_size")
        layers = _number(config, "num_hidden_layers")
        grouped = config.get("num_key_value_heads") is not None or family != "llama"
        kv_heads = _number(config, "num_key_value_heads") if grouped else heads
        if heads % kv_heads:
            raise InputError(f"config.json: {heads} heads cannot share {kv_heads} key-value heads")
        head_size = config.get("head_dim") or (QWEN3_HEAD_SIZE if family == "qwen3" else hidden // heads)
        return cls(
            vocabulary=_number(config, "vocab_size"),
            hidden=hidden,
            intermediate=_number(config, "intermediate_size"),
            layers=layers,
            heads=heads,
            kv_heads=kv_heads,
            head_size=head_size,
            epsilon=float(config.get("rms_norm_eps", 1e-6)),
            rotation=_rotation(config, head_size),
            input_biases=family == "qwen2" or (family != "mistral" and attention_bias),
            output_bias=family in ("llama", "qwen3") and attention_bias,
            feed_forward_biases=family == "llama" and bool(config.get("mlp_bias")),
            head_norms=family == "qwen3",
            windows=_windows(config, layers),
            tied=bool(config.get("tie_word_embeddings")),
        )


def check_family(config: Mapping[str, Any]) -> None:
    """Refuses models of other families, and other forms of these.

    Raises:
        UnsupportedModelError: The configuration is of such a model.
    """
    family = config.get("model_type")
    if family not in FAMILIES:
        raise UnsupportedModelError(f"model_type {family!r} is none of {', '.join(FAMILIES)}")
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise UnsupportedModelError(f"hidden_act {config['hidden_act']!r} is not silu")
    if config.get("quantization_config"):
        method = config["quantization_config"].get("quant_method")
        raise UnsupportedModelError(f"weights quantized by {method!r}")
    others = [name for name in config.get("architectures") or () if not str(name).endswith("ForCausalLM")]
    if others:
        raise UnsupportedModelError(f"architecture {others[0]!r} is no causal language model")


def _number(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if not isinstance(value, int) or value < 1:
        raise InputError(f"config.json: {name} must be a number of at least 1, not {value!r}")
    return value


def _rotation(config: Mapping[str, Any], head_size: int) -> Rotation:
    """The rotary embedding: ``rope_parameters``, or ``rope_theta`` and ``rope_scaling`` as they once were written."""
    given = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    if any(isinstance(value, Mapping) for value in given.values()):
        raise UnsupportedModelError("rotary angles that differ from layer to layer")
    kind = given.pop("rope_type", None) or given.pop("type", None) or "default"
    given.setdefault("rope_theta", config.get("rope_theta", 1e4))
    partial = given.pop("partial_rotary_factor", None) or config.get("partial_rotary_factor") or 1
    if partial != 1:
        raise UnsupportedModelError(f"partial_rotary_factor {partial}")
    given.setdefault("max_position_embeddings", config.get("max_position_embeddings"))
    rotation = Rotation.named(kind, head_size, given)
    if rotation is None:
        raise UnsupportedModelError(f"rotary scaling {kind!r}")
    return rotation


def _windows(config: Mapping[str, Any], layers: int) -> tuple[int | None, ...]:
    """The window of each layer, as the families' configurations tell it."""
    family = config["model_type"]
    window = config.get("sliding_window", MISTRAL_WINDOW if family == "mistral" else None)
    if window is None or family == "llama" or (family != "mistral" and not config.get("use_sliding_window")):
        return (None,) * layers
    if family == "mistral":
        return (window,) * layers
    kinds = config.get("layer_types")
    if kinds is None:
        # Qwen's own rule: full attention below max_window_layers.
        first = config.get("max_window_layers", layers)
        return tuple(window if layer >= first else None for layer in range(layers))
    unknown = sorted(set(kinds) - {"full_attention", "sliding_attention"})
    if unknown or len(kinds) != layers:
        raise UnsupportedModelError(f"layer_types {unknown or len(kinds)}")
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)
