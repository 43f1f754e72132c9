"""Which element types ONNX Runtime's CPU kernels pay for: a decoder's products in float32, float16 and bfloat16, side by side.

    python benches/bench_element_types.py           prints a table

The matrices are those of SmolLM2's 30 layers (hidden size 576, grouped queries, feed-forward 1,536), its steps a single token,
a batch of 8 and a prompt of 200 tokens. A type pays if its ratio is above 1. Next to the speed stands how far the results lie from
float32's: a type without a kernel of its own is converted to float32 in front of each product, and costs time for nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
from functools import partial

import ml_dtypes
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from measure import fastest

LAYERS, HIDDEN, KEYS, FEED_FORWARD = 30, 576, 192, 1536
SHAPES = ((HIDDEN, HIDDEN), (HIDDEN, KEYS), (HIDDEN, FEED_FORWARD), (FEED_FORWARD, HIDDEN))
STEPS = (1, 8, 200)
TYPES = {
    "float32": (TensorProto.FLOAT, np.dtype(np.float32)),
    "float16": (TensorProto.FLOAT16, np.dtype(np.float16)),
    "bfloat16": (TensorProto.BFLOAT16, np.dtype(ml_dtypes.bfloat16)),
}
Floats = NDArray[np.float32]


def main() -> None:
    """Reads the command line, measures, prints."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, onnxruntime {onnxruntime.__version__}\n")
    print("computes in   " + "".join(f"{rows:>6} rows: ms   ratio" for rows in STEPS) + "   off by")
    exact, plain = rows_of(8), list[float]()
    for name in TYPES:
        try:
            session = session_of(name)
        except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
            print(f"{name:12}  no kernel: {str(error).splitlines()[0][-80:]}")
            continue
        seconds = [fastest(partial(session.run, None, {"x": rows_of(count)})) for count in STEPS]
        result = session.run(None, {"x": rows_of(8)})[0]
        exact, plain = (result, seconds) if name == "float32" else (exact, plain)
        off = float(np.abs(result - exact).max() / np.abs(exact).max())
        figures = (f"{1e3 * own:15.2f} {base / own:7.2f}" for own, base in zip(seconds, plain, strict=True))
        print(f"{name:12}  {''.join(figures)}   {off:.0e}")


def rows_of(count: int) -> Floats:
    """float32[count, hidden]: standard normal."""
    return np.random.default_rng(count).standard_normal((count, HIDDEN), np.float32)


def session_of(name: str) -> onnxruntime.InferenceSession:
    """A layer's products after each other, so many layers, from float32 to float32."""
    kind, dtype = TYPES[name]
    generator, weights = np.random.default_rng(0), []
    nodes = [helper.make_node("Cast", ["x"], ["h0"], to=kind)]
    for layer in range(LAYERS):
        for place, (rows, columns) in enumerate(SHAPES):
            values = (generator.standard_normal((rows, columns), np.float32) / np.sqrt(rows)).astype(dtype)
            weights.append(helper.make_tensor(f"w{layer}_{place}", kind, values.shape, values.tobytes(), raw=True))
        at = f"h{layer}"
        nodes += [
            helper.make_node("MatMul", [at, f"w{layer}_0"], [f"q{layer}"]),
            helper.make_node("MatMul", [at, f"w{layer}_1"], [f"k{layer}"]),
            helper.make_node("MatMul", [f"q{layer}", f"w{layer}_2"], [f"f{layer}"]),
            helper.make_node("MatMul", [f"f{layer}", f"w{layer}_3"], [f"h{layer + 1}"]),
        ]
    nodes.append(helper.make_node("Cast", [f"h{LAYERS}"], ["y"], to=TensorProto.FLOAT))
    ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, ["n", HIDDEN]) for end in ("x", "y")]
    keys = [helper.make_tensor_value_info(f"k{layer}", kind, ["n", KEYS]) for layer in range(LAYERS)]
    graph = helper.make_graph(nodes, "layers", ends[:1], [*ends[1:], *keys], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
