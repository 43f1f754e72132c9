"""The attention of a layer over cached and new columns.

Keys and values of the cache stay where they are: scores against the cached columns and against the new ones are two
products, joined for the softmax, and the weights are parted again for two products with the values. So a step reads the
cache once, copies nothing of it, and gives the new columns alone.
"""

from __future__ import annotations

import math

import numpy as np
from onnx import TensorProto

from token_difr.engine.graph.architecture import DecoderShape
from token_difr.engine.graph.builder import GraphBuilder

__all__ = ["add_attention", "add_masks", "add_rotary_angles", "linear"]

MASKED = np.float32(-1e30)
"""Added to the score of a key that may not be seen; finite, so that a row without any key gives no NaN."""


def linear(graph: GraphBuilder, x: str, name: str, sizes: tuple[int, int], *, output: str, bias: bool = False) -> str:
    """``x @ weight.T + bias`` with the weight as the files hold it, [outputs, inputs].

    Args:
        graph: Gets the node.
        x: [rows, inputs].
        name: That of the layer in the model's files.
        sizes: Inputs and outputs.
        output: Name of the result, [rows, outputs].
        bias: Whether it has one.
    """
    inputs, outputs = sizes
    given = [x, graph.weight(f"{name}.weight", [outputs, inputs])]
    if bias:
        given.append(graph.weight(f"{name}.bias", [outputs]))
    return graph.node("Gemm", given, output, transB=1)


def add_masks(graph: GraphBuilder, shape: DecoderShape) -> None:
    """For each window W of the model, ``mask_W`` [batch, 1, 1, new, cached + new]: 0 where a key is seen, else ``MASKED``.

    Key j is seen by query i when the mask shows it, j stands no later than i, and less than W tokens before it. Cached
    columns stand before all new ones.
    """
    zero, one = graph.constant("zero", 0), graph.constant("one", 1)
    axis, axes = graph.constant("axis_1", [1]), graph.constant("axes_123", [1, 2, 3])
    for name, source in (("sequence", "input_ids"), ("total", "attention_mask")):
        graph.node("Squeeze", [graph.node("Shape", [source], f"{name}_shape", start=1, end=2)], name)
    past = graph.node("Sub", ["total", "sequence"], "past")
    first = graph.constant("axis_0", [0])
    counts = [graph.node("Unsqueeze", [name, first], f"{name}_count") for name in (past, "sequence")]
    graph.node("Concat", counts, "columns", axis=0)
    keys = graph.node("Range", [zero, "total", one], "key_columns")
    queries = graph.node("Unsqueeze", [graph.node("Range", [past, "total", one], "query_columns"), axis], "query_rows")
    causal = graph.node("LessOrEqual", [keys, queries], "causal")
    shown = graph.node("Cast", ["attention_mask"], "shown_keys", to=TensorProto.BOOL)
    shown = graph.node("Unsqueeze", [shown, axes], "shown")
    visible = graph.node("And", [shown, causal], "visible")
    values = [graph.constant("seen", 0, np.float32), graph.constant("masked", MASKED, np.float32)]
    for window in dict.fromkeys(shape.windows):
        near = visible if window is None else graph.node("And", [visible, _near(graph, window)], f"near_{window}")
        graph.node("Where", [near, *values], f"mask_{window}")


def _near(graph: GraphBuilder, window: int) -> str:
    """[batch, 1, 1, new, cached + new]: the key stands less than ``window`` tokens before the query.

    A row's cached tokens stand in order, so the number of columns in use up to one tells the position of its token.
    """
    first, past, axis = graph.constant("axis_0", [0]), "past_count", graph.constant("axis_1", [1])
    cached = graph.node("Slice", ["attention_mask", first, past, axis], f"cached_mask_{window}")
    cached = graph.node("CumSum", [cached, "one"], f"cached_places_{window}")
    cached = graph.node("Sub", [cached, "one"], f"cached_positions_{window}")
    keys = graph.node("Concat", [cached, "position_ids"], f"key_positions_{window}", axis=1)
    keys = graph.node("Unsqueeze", [keys, "axes_123"], f"keys_{window}")
    queries = graph.node("Unsqueeze", ["position_ids", graph.constant("axes_124", [1, 2, 4])], f"queries_{window}")
    distance = graph.node("Sub", [queries, keys], f"distances_{window}")
    return graph.node("Less", [distance, graph.constant(f"window_{window}", window)], f"within_{window}")


def add_rotary_angles(graph: GraphBuilder, shape: DecoderShape) -> None:
    """``cosines`` and ``sines`` [batch, new, head_size / 2] of position * frequency."""
    frequencies = graph.constant("frequencies", shape.rotation.frequencies, np.float32)
    positions = graph.node("Cast", ["position_ids"], "positions", to=TensorProto.FLOAT)
    positions = graph.node("Unsqueeze", [positions, graph.constant("axis_2", [2])], "position_column")
    angles = graph.node("Mul", [positions, frequencies], "angles")
    plain = shape.rotation.magnitude == 1.0
    for operator, name in (("Cos", "cosines"), ("Sin", "sines")):
        turned = graph.node(operator, [angles], name if plain else f"plain_{name}")
        if not plain:
            magnitude = graph.constant("magnitude", shape.rotation.magnitude, np.float32)
            graph.node("Mul", [turned, magnitude], name)


def add_attention(graph: GraphBuilder, shape: DecoderShape, layer: int, x: str) -> str:
    """Causal attention of one layer over ``x`` [batch * new, hidden].

    Queries are grouped by the key-value head that they share: [batch, kv, group, new, size].
    """
    prefix, name, group = f"model.layers.{layer}.self_attn", f"layer{layer}", shape.heads // shape.kv_heads
    query, split = _heads(graph, shape, layer, x, "q"), [0, 0, shape.kv_heads, group, shape.head_size]
    query = graph.node("Reshape", [query, graph.constant("split_query", split)], f"{name}.q_split")
    query = graph.node("Transpose", [query], f"{name}.query", perm=[0, 2, 3, 1, 4])
    new_keys, new_values = (_new_columns(graph, shape, layer, x, part) for part in ("key", "value"))
    keys, values = (_grouped(graph, f"past_key_values.{layer}.{part}", f"{name}.{part}") for part in ("key", "value"))
    cached = _products(graph, shape, query, keys, f"{name}.cached")
    new = _products(graph, shape, query, new_keys, f"{name}.new")
    scores = graph.node("Concat", [cached, new], f"{name}.scores", axis=-1)
    biased = graph.node("Add", [scores, f"mask_{shape.windows[layer]}"], f"{name}.biased")
    weights = graph.node("Softmax", [biased], f"{name}.weights", axis=-1)
    of_cached, of_new = graph.split(weights, "columns", [f"{name}.of_cached", f"{name}.of_new"], axis=-1)
    of_cached = graph.node("MatMul", [of_cached, values], f"{name}.from_cached")
    of_new = graph.node("MatMul", [of_new, new_values], f"{name}.from_new")
    x = graph.node("Add", [of_cached, of_new], f"{name}.mixed")
    x = graph.node("Transpose", [x], f"{name}.mixed_rows", perm=[0, 3, 1, 2, 4])
    width = shape.heads * shape.head_size
    x = graph.node("Reshape", [x, graph.constant("join_heads", [-1, width])], f"{name}.joined")
    sizes = (width, shape.hidden)
    return linear(graph, x, f"{prefix}.o_proj", sizes, output=f"{name}.attention", bias=shape.output_bias)


def _grouped(graph: GraphBuilder, x: str, output: str) -> str:
    """Keys or values as every group of queries sees them: [batch, kv, 1, column, size]."""
    return graph.node("Unsqueeze", [x, graph.constant("axis_2", [2])], output)


def _products(graph: GraphBuilder, shape: DecoderShape, query: str, keys: str, name: str) -> str:
    """Scaled products of queries and keys, [batch, kv, group, new, column]."""
    columns = graph.node("Transpose", [keys], f"{name}_columns", perm=[0, 1, 2, 4, 3])
    products = graph.node("MatMul", [query, columns], f"{name}_products")
    scale = graph.constant("scale", 1 / math.sqrt(shape.head_size), np.float32)
    return graph.node("Mul", [products, scale], f"{name}_scores")


def _heads(graph: GraphBuilder, shape: DecoderShape, layer: int, x: str, part: str) -> str:
    """Queries or keys (``part`` "q" or "k"), turned by their positions: [batch, new, heads * size]."""
    prefix, name = f"model.layers.{layer}.self_attn", f"layer{layer}.{part}"
    heads = shape.heads if part == "q" else shape.kv_heads
    sizes = (shape.hidden, heads * shape.head_size)
    x = linear(graph, x, f"{prefix}.{part}_proj", sizes, output=name, bias=shape.input_biases)
    if shape.head_norms:
        x = graph.node("Reshape", [x, graph.constant(f"split_{part}", [0, heads, shape.head_size])], f"{name}_heads")
        weight = graph.weight(f"{prefix}.{part}_norm.weight", [shape.head_size])
        x = graph.node("RMSNormalization", [x, weight], f"{name}_normed", axis=-1, epsilon=shape.epsilon)
    x = graph.node("Reshape", [x, f"rows_of_{part}"], f"{name}_rows")
    return graph.node("RotaryEmbedding", [x, "cosines", "sines"], f"{name}_turned", num_heads=heads)


def _new_columns(graph: GraphBuilder, shape: DecoderShape, layer: int, x: str, part: str) -> str:
    """Keys or values of the new tokens, given out as [batch, kv, new, size]; the result is grouped."""
    prefix, name = f"model.layers.{layer}.self_attn", f"layer{layer}.new_{part}"
    if part == "key":
        x = _heads(graph, shape, layer, x, "k")
    else:
        sizes = (shape.hidden, shape.kv_heads * shape.head_size)
        x = linear(graph, x, f"{prefix}.v_proj", sizes, output=f"{name}_rows", bias=shape.input_biases)
    x = graph.node("Reshape", [x, "rows_of_kv"], f"{name}_split")
    x = graph.node("Transpose", [x], f"new.{layer}.{part}", perm=[0, 2, 1, 3])
    return _grouped(graph, x, f"{name}_grouped")
