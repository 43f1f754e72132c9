"""The whole graph: token ids and a cache in, logits and the cache's new columns out.

Inputs: ``input_ids`` and ``position_ids`` int64[batch, new], ``attention_mask`` int64[batch, cached + new] (1 = may be
seen), ``logits_from`` int64, the first new token whose logits are wanted, ``past_key_values.{layer}.key/value``
float32[batch, key-value heads, cached, head size]. Outputs: ``logits`` float32[batch, new - logits_from, vocabulary] and
``new.{layer}.key/value``, the columns of the new tokens.

Between the embedding and the head every token is a row of a matrix: linear layers are Gemm with the weight as the files
hold it, so that nothing is transposed when a model is loaded. Standard operators of opset 23, float32.
"""

from __future__ import annotations

from onnx import TensorProto

from token_difr.engine.graph.architecture import DecoderShape
from token_difr.engine.graph.attention import add_attention, add_masks, add_rotary_angles, linear
from token_difr.engine.graph.builder import GraphBuilder

__all__ = ["EMBEDDING", "HEAD", "build_graph"]

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def build_graph(shape: DecoderShape) -> GraphBuilder:
    """The graph of a decoder."""
    graph = GraphBuilder()
    _add_interface(graph, shape)
    add_masks(graph, shape)
    add_rotary_angles(graph, shape)
    _add_row_shapes(graph, shape)
    embedding = graph.weight(EMBEDDING, [shape.vocabulary, shape.hidden])
    x = graph.node("Gather", [embedding, "input_ids"], "embedded")
    x = graph.node("Reshape", [x, graph.constant("token_rows", [-1, shape.hidden])], "rows")
    for layer in range(shape.layers):
        x = _add_layer(graph, shape, layer, x)
    _add_head(graph, shape, x)
    return graph


def _add_interface(graph: GraphBuilder, shape: DecoderShape) -> None:
    graph.input("input_ids", TensorProto.INT64, ["batch", "new"])
    graph.input("position_ids", TensorProto.INT64, ["batch", "new"])
    graph.input("attention_mask", TensorProto.INT64, ["batch", "total"])
    graph.input("logits_from", TensorProto.INT64, [1])
    graph.output("logits", ["batch", "wanted", shape.vocabulary])
    for layer in range(shape.layers):
        for part in ("key", "value"):
            columns: list[int | str] = ["batch", shape.kv_heads, "cached", shape.head_size]
            graph.input(f"past_key_values.{layer}.{part}", TensorProto.FLOAT, columns)
            graph.output(f"new.{layer}.{part}", ["batch", shape.kv_heads, "new", shape.head_size])


def _add_row_shapes(graph: GraphBuilder, shape: DecoderShape) -> None:
    """Shapes that are known when the graph runs: of queries, keys, values and the residual stream."""
    graph.node("Shape", ["input_ids"], "batch_and_new")
    widths = {
        "rows_of_q": [shape.heads * shape.head_size],
        "rows_of_k": [shape.kv_heads * shape.head_size],
        "rows_of_kv": [shape.kv_heads, shape.head_size],
        "rows_of_hidden": [shape.hidden],
    }
    for name, width in widths.items():
        graph.node("Concat", ["batch_and_new", graph.constant(f"width_{name}", width)], name, axis=0)


def _add_layer(graph: GraphBuilder, shape: DecoderShape, layer: int, x: str) -> str:
    """One decoder layer: attention and gated feed-forward, each normalized before and added to its input."""
    prefix, name = f"model.layers.{layer}", f"layer{layer}"
    normed = _add_norm(graph, shape, x, f"{prefix}.input_layernorm", f"{name}.attention_norm")
    x = graph.node("Add", [x, add_attention(graph, shape, layer, normed)], f"{name}.attended")
    normed = _add_norm(graph, shape, x, f"{prefix}.post_attention_layernorm", f"{name}.feed_forward_norm")
    return graph.node("Add", [x, _add_feed_forward(graph, shape, layer, normed)], f"{name}.output")


def _add_norm(graph: GraphBuilder, shape: DecoderShape, x: str, name: str, output: str) -> str:
    """Root-mean-square normalization over the hidden axis."""
    weight = graph.weight(f"{name}.weight", [shape.hidden])
    return graph.node("RMSNormalization", [x, weight], output, axis=-1, epsilon=shape.epsilon)


def _add_feed_forward(graph: GraphBuilder, shape: DecoderShape, layer: int, x: str) -> str:
    """``down(silu(gate(x)) * up(x))``."""
    prefix, name, bias = f"model.layers.{layer}.mlp", f"layer{layer}", shape.feed_forward_biases
    wide, narrow = (shape.hidden, shape.intermediate), (shape.intermediate, shape.hidden)
    gate = linear(graph, x, f"{prefix}.gate_proj", wide, output=f"{name}.gate", bias=bias)
    up = linear(graph, x, f"{prefix}.up_proj", wide, output=f"{name}.up", bias=bias)
    sigmoid = graph.node("Sigmoid", [gate], f"{name}.sigmoid")
    gated = graph.node("Mul", [graph.node("Mul", [gate, sigmoid], f"{name}.silu"), up], f"{name}.gated")
    return linear(graph, gated, f"{prefix}.down_proj", narrow, output=f"{name}.feed_forward", bias=bias)


def _add_head(graph: GraphBuilder, shape: DecoderShape, x: str) -> None:
    """The logits of the tokens that they are wanted of."""
    x = graph.node("Reshape", [x, "rows_of_hidden"], "hidden")
    end, axis = graph.constant("end", [2**62]), graph.constant("axis_1", [1])
    x = graph.node("Slice", [x, "logits_from", end, axis], "wanted_hidden")
    counts = graph.node("Shape", [x], "wanted_counts", start=0, end=2)
    width = graph.constant("vocabulary", [shape.vocabulary])
    logits_shape = graph.node("Concat", [counts, width], "logits_shape", axis=0)
    x = graph.node("Reshape", [x, "token_rows"], "wanted_rows")
    x = _add_norm(graph, shape, x, "model.norm", "final_norm")
    weight = graph.weight(EMBEDDING if shape.tied else HEAD, [shape.vocabulary, shape.hidden])
    x = graph.node("Gemm", [x, weight], "logit_rows", transB=1)
    # None may be wanted: then 0 is a number and not "as it was".
    graph.node("Reshape", [x, logits_shape], "logits", allowzero=1)
