"""The speed of our server beside vLLM's and llama.cpp's, on one real model in float32 (llama.cpp: float16): ratios of one run.

Our server twice: on ONNX Runtime, as it runs the model by itself, and on torch.

    python scripts/bench_engines.py

Each engine runs alone on the machine while it is measured; the first line is vLLM's, and the others' ratios are to it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from real_engines import environments, matrix
from real_engines.serving import engines, on_torch, running

sys.path.insert(0, str(environments.ROOT / "benches"))
from bench_serving import Speed, measure, table

MEASURED = (matrix.VLLM, matrix.OURS, on_torch().name, matrix.F16)


def main() -> None:
    """Measures one engine after the other."""
    environments.make_all()
    speeds: dict[str, Speed] = {}
    cast = {engine.name: engine for engine in (*engines(), on_torch())}
    with tempfile.TemporaryDirectory() as logs:
        for name in MEASURED:
            with running([cast[name]], Path(logs)) as urls:
                speeds[name] = asyncio.run(measure(urls[name].removesuffix("/v1"), scores_prompts=name != matrix.F16))
            print(name, speeds[name], flush=True)
    print(table(speeds))


if __name__ == "__main__":
    main()
