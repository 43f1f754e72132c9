"""Builds the weights-free ONNX graph of a Llama decoder: ``python scripts/build_onnx_graph.py MODEL_DIR``.

Reads ``MODEL_DIR/config.json`` and writes ``MODEL_DIR/model.onnx``: standard operators of opset 23, float32, a few
kilobytes. Every weight is an external initializer that carries the name it has in the folder's safetensors file; the
server hands the arrays over when it loads the graph (``token_difr/server/model/engine/onnx.py``), so that a variant with
rounded weights is the same graph with other arrays. Linear weights are declared transposed, ``[in, out]``.

Inputs: ``input_ids`` and ``position_ids`` int64[batch, sequence], ``attention_mask`` int64[batch, total] (1 = may be
seen), ``past_key_values.{layer}.key/value`` float32[batch, key-value heads, past, head size]. Outputs: ``logits``
float32[batch, sequence, vocabulary] and ``present.{layer}.key/value``. These are the names of the exports that people
publish.

Attention is written out with MatMul and Softmax, grouped by key-value head: of the forms tried on a CPU (this one,
the ``Attention`` operator, ONNX Runtime's own ``GroupQueryAttention``) it is the fastest on batches.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 23
IR_VERSION = 10
MASKED = np.float32(-1e30)
"""Added to the score of a key that may not be seen; finite, so that a row without any key gives no NaN."""


@dataclass(frozen=True)
class LlamaShape:
    """The numbers of a Llama configuration that fix its graph."""

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    epsilon: float
    rope_theta: float

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LlamaShape:
        """Reads a Hugging Face ``config.json``; refuses what the graph does not express."""
        if config["model_type"] != "llama" or config.get("attention_bias") or config.get("mlp_bias"):
            raise SystemExit("only Llama models without biases can be built; export others with torch.onnx.export")
        rope = config.get("rope_parameters") or {"rope_type": "default", "rope_theta": config.get("rope_theta", 1e4)}
        if rope.get("rope_type", "default") != "default":
            raise SystemExit(f"rope_type {rope['rope_type']!r} is not supported: only 'default'")
        heads = config["num_attention_heads"]
        return cls(
            vocabulary=config["vocab_size"],
            hidden=config["hidden_size"],
            intermediate=config["intermediate_size"],
            layers=config["num_hidden_layers"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_size=config.get("head_dim") or config["hidden_size"] // heads,
            epsilon=config["rms_norm_eps"],
            rope_theta=rope["rope_theta"],
        )


class GraphBuilder:
    """Collects nodes, constants and weights; every method returns the name of the value it defines."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """One operator with one output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: Any, dtype: type = np.int64) -> str:
        """A small constant that is stored in the graph; defining the same name twice gives one constant."""
        if all(tensor.name != name for tensor in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def weight(self, name: str, shape: list[int]) -> str:
        """A float32 weight whose values the server hands over by name."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="model.safetensors")
        self.initializers.append(tensor)
        return name

    def linear(self, x: str, name: str, *, inputs: int, outputs: int, output: str) -> str:
        """``x @ weight`` with the weight as ``[inputs, outputs]``."""
        return self.node("MatMul", [x, self.weight(f"{name}.weight", [inputs, outputs])], output)


def build_graph(shape: LlamaShape) -> onnx.ModelProto:
    """The whole decoder as a checked model."""
    graph = GraphBuilder()
    x = graph.node(
        "Gather", [graph.weight("model.embed_tokens.weight", [shape.vocabulary, shape.hidden]), "input_ids"], "embedded"
    )
    add_attention_bias(graph)
    add_rotary_angles(graph, shape)
    for layer in range(shape.layers):
        x = add_layer(graph, shape, layer, x)
    x = add_norm(graph, shape, x, "model.norm", "final_norm")
    graph.linear(x, "lm_head", inputs=shape.hidden, outputs=shape.vocabulary, output="logits")
    inputs, outputs = graph_interface(shape)
    model = helper.make_model(
        helper.make_graph(graph.nodes, "llama", inputs, outputs, graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="token-difr",
    )
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    return model


def graph_interface(shape: LlamaShape) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """Declarations of the inputs and outputs, under the usual names."""
    ids = ["batch_size", "sequence_length"]
    inputs = [
        helper.make_tensor_value_info("input_ids", TensorProto.INT64, ids),
        helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"]),
        helper.make_tensor_value_info("position_ids", TensorProto.INT64, ids),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [*ids, shape.vocabulary])]
    for layer in range(shape.layers):
        for part in ("key", "value"):
            past = ["batch_size", shape.kv_heads, "past_sequence_length", shape.head_size]
            present = ["batch_size", shape.kv_heads, "total_sequence_length", shape.head_size]
            inputs.append(helper.make_tensor_value_info(f"past_key_values.{layer}.{part}", TensorProto.FLOAT, past))
            outputs.append(helper.make_tensor_value_info(f"present.{layer}.{part}", TensorProto.FLOAT, present))
    return inputs, outputs


def add_attention_bias(graph: GraphBuilder) -> None:
    """``attention_bias`` [batch, 1, 1, sequence, total]: 0 where query i may see key j, else ``MASKED``.

    Key j is visible to query i when the mask shows it and ``j <= past + i`` (columns are in order of arrival).
    """
    zero, one = graph.constant("zero", 0), graph.constant("one", 1)
    for name, source in (("sequence", "input_ids"), ("total", "attention_mask")):
        graph.node("Squeeze", [graph.node("Shape", [source], f"{name}_shape", start=1, end=2)], name)
    past = graph.node("Sub", ["total", "sequence"], "past")
    keys = graph.node("Range", [zero, "total", one], "key_columns")
    queries = graph.node("Range", [past, "total", one], "query_columns")
    queries = graph.node("Unsqueeze", [queries, graph.constant("axis_1", [1])], "query_rows")
    causal = graph.node("LessOrEqual", [keys, queries], "causal")
    shown = graph.node("Cast", ["attention_mask"], "shown_keys", to=TensorProto.BOOL)
    shown = graph.node("Unsqueeze", [shown, graph.constant("axes_123", [1, 2, 3])], "shown")
    visible = graph.node("And", [shown, causal], "visible")
    values = [graph.constant("seen", 0, np.float32), graph.constant("masked", MASKED, np.float32)]
    graph.node("Where", [visible, *values], "attention_bias")


def add_rotary_angles(graph: GraphBuilder, shape: LlamaShape) -> None:
    """``cosines`` and ``sines`` [batch, sequence, head_size / 2] of position * theta^(-2i / head_size)."""
    exponents = np.arange(0, shape.head_size, 2, dtype=np.float32) / np.float32(shape.head_size)
    frequencies = graph.constant("frequencies", 1.0 / shape.rope_theta**exponents, np.float32)
    positions = graph.node("Cast", ["position_ids"], "positions", to=TensorProto.FLOAT)
    positions = graph.node("Unsqueeze", [positions, graph.constant("axis_2", [2])], "position_column")
    angles = graph.node("Mul", [positions, frequencies], "angles")
    graph.node("Cos", [angles], "cosines")
    graph.node("Sin", [angles], "sines")


def add_norm(graph: GraphBuilder, shape: LlamaShape, x: str, name: str, output: str) -> str:
    """Root-mean-square normalization over the hidden axis."""
    weight = graph.weight(f"{name}.weight", [shape.hidden])
    return graph.node("RMSNormalization", [x, weight], output, axis=-1, epsilon=shape.epsilon)


def add_layer(graph: GraphBuilder, shape: LlamaShape, layer: int, x: str) -> str:
    """One decoder layer: attention and gated feed-forward, each normalized before and added to its input."""
    prefix, name = f"model.layers.{layer}", f"layer{layer}"
    normed = add_norm(graph, shape, x, f"{prefix}.input_layernorm", f"{name}.attention_norm")
    x = graph.node("Add", [x, add_attention(graph, shape, layer, normed)], f"{name}.attended")
    normed = add_norm(graph, shape, x, f"{prefix}.post_attention_layernorm", f"{name}.feed_forward_norm")
    return graph.node("Add", [x, add_feed_forward(graph, shape, layer, normed)], f"{name}.output")


def add_attention(graph: GraphBuilder, shape: LlamaShape, layer: int, x: str) -> str:
    """Causal attention; queries are grouped by the key-value head they share: [batch, kv, group, sequence, size]."""
    prefix, name = f"model.layers.{layer}.self_attn", f"layer{layer}"
    group, all_heads = shape.heads // shape.kv_heads, shape.heads * shape.head_size
    query = graph.linear(x, f"{prefix}.q_proj", inputs=shape.hidden, outputs=all_heads, output=f"{name}.q")
    query = graph.node("RotaryEmbedding", [query, "cosines", "sines"], f"{name}.q_rotated", num_heads=shape.heads)
    split = graph.constant("split_query", [0, 0, shape.kv_heads, group, shape.head_size])
    query = graph.node("Reshape", [query, split], f"{name}.q_split")
    query = graph.node("Transpose", [query], f"{name}.query", perm=[0, 2, 3, 1, 4])
    key, value = add_keys_and_values(graph, shape, layer, x)
    key = graph.node("Unsqueeze", [key, graph.constant("axis_2", [2])], f"{name}.key")
    key = graph.node("Transpose", [key], f"{name}.key_columns", perm=[0, 1, 2, 4, 3])
    value = graph.node("Unsqueeze", [value, graph.constant("axis_2", [2])], f"{name}.value")
    scores = graph.node("MatMul", [query, key], f"{name}.products")
    scale = graph.constant("scale", 1.0 / math.sqrt(shape.head_size), np.float32)
    scores = graph.node("Mul", [scores, scale], f"{name}.scores")
    scores = graph.node("Add", [scores, "attention_bias"], f"{name}.biased")
    weights = graph.node("Softmax", [scores], f"{name}.weights", axis=-1)
    mixed = graph.node("MatMul", [weights, value], f"{name}.mixed")
    mixed = graph.node("Transpose", [mixed], f"{name}.mixed_rows", perm=[0, 3, 1, 2, 4])
    mixed = graph.node("Reshape", [mixed, graph.constant("join_heads", [0, 0, all_heads])], f"{name}.joined")
    return graph.linear(mixed, f"{prefix}.o_proj", inputs=all_heads, outputs=shape.hidden, output=f"{name}.attention")


def add_keys_and_values(graph: GraphBuilder, shape: LlamaShape, layer: int, x: str) -> tuple[str, str]:
    """Keys (rotated) and values of the new tokens, appended to the cached ones: [batch, kv, total, size]."""
    prefix, name, width = f"model.layers.{layer}.self_attn", f"layer{layer}", shape.kv_heads * shape.head_size
    key = graph.linear(x, f"{prefix}.k_proj", inputs=shape.hidden, outputs=width, output=f"{name}.k")
    key = graph.node("RotaryEmbedding", [key, "cosines", "sines"], f"{name}.k_rotated", num_heads=shape.kv_heads)
    value = graph.linear(x, f"{prefix}.v_proj", inputs=shape.hidden, outputs=width, output=f"{name}.v")
    split = graph.constant("split_kv", [0, 0, shape.kv_heads, shape.head_size])
    present = []
    for part, fresh in (("key", key), ("value", value)):
        fresh = graph.node("Reshape", [fresh, split], f"{fresh}_split")  # noqa: PLW2901
        fresh = graph.node("Transpose", [fresh], f"{fresh}_heads", perm=[0, 2, 1, 3])  # noqa: PLW2901
        cached = f"past_key_values.{layer}.{part}"
        present.append(graph.node("Concat", [cached, fresh], f"present.{layer}.{part}", axis=2))
    return present[0], present[1]


def add_feed_forward(graph: GraphBuilder, shape: LlamaShape, layer: int, x: str) -> str:
    """``down(silu(gate(x)) * up(x))``."""
    prefix, name = f"model.layers.{layer}.mlp", f"layer{layer}"
    wide = {"inputs": shape.hidden, "outputs": shape.intermediate}
    gate = graph.linear(x, f"{prefix}.gate_proj", **wide, output=f"{name}.gate")
    up = graph.linear(x, f"{prefix}.up_proj", **wide, output=f"{name}.up")
    sigmoid = graph.node("Sigmoid", [gate], f"{name}.sigmoid")
    gated = graph.node("Mul", [graph.node("Mul", [gate, sigmoid], f"{name}.silu"), up], f"{name}.gated")
    narrow = {"inputs": shape.intermediate, "outputs": shape.hidden}
    return graph.linear(gated, f"{prefix}.down_proj", **narrow, output=f"{name}.feed_forward")


def main() -> None:
    """Reads the command line and writes the graph."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model_dir", type=Path, help="folder with config.json; model.onnx is written into it")
    model_dir: Path = parser.parse_args().model_dir
    shape = LlamaShape.from_config(json.loads((model_dir / "config.json").read_text(encoding="utf-8")))
    data = build_graph(shape).SerializeToString()
    (model_dir / "model.onnx").write_bytes(data)
    print(f"{model_dir / 'model.onnx'}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
