"""The server's logprobs from logits: the core against NumPy, and what the answer's JSON costs beside them.

    python benches/bench_logprob_rows.py            prints two tables

Top-20 rows of random logits as wide as SmolLM2's and as the demo model's, of a prompt of 200 tokens, a batch of 8 and a
single token; one process, side by side. NumPy's way is the same: groups' maxima bound the k-th largest value, so that few
values are sorted. The JSON is that of a prompt of 200 tokens in each dialect, with the demo's tokenizer, once its tokens
have been seen: the answer's objects from the rows, then its bytes.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from measure import fastest
from token_difr.server.answers.dialects.content import ContentLogprobs
from token_difr.server.answers.dialects.legacy import LegacyLogprobs
from token_difr.server.answers.dialects.vllm import prompt_logprobs
from token_difr.server.generation.logprob_rows import LogprobRows, logprob_rows
from token_difr.server.model.folder import DEMO, ModelFolder

TOP, GROUP, BLOCK_VALUES = 20, 16, 2**20
SHAPES = ((200, 49_152), (8, 49_152), (1, 49_152), (200, 2_048), (1, 2_048))
TARGET = 2.0
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]


def main() -> None:
    """Reads the command line, measures, prints."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores\n\nrows x vocabulary      core ms   NumPy ms   ratio (target {TARGET:.0f})"
    )
    for rows, width in SHAPES:
        logits, ids = case(rows, width)
        core, plain = fastest(partial(logprob_rows, logits, ids, TOP)), fastest(partial(numpy_rows, logits, ids))
        print(f"{rows:4} x {width:8,} {1e3 * core:15.2f} {1e3 * plain:10.2f} {plain / core:7.1f} x")
    logits, ids = case(200, 2_048)
    rows_of_prompt = logprob_rows(logits, ids, TOP)
    print("\nJSON of 200 rows      objects ms   bytes ms   kilobytes")
    for name, build in dialects(rows_of_prompt, ids).items():
        value = build()
        seconds = fastest(build), fastest(partial(to_json, value))
        print(f"{name:18} {1e3 * seconds[0]:13.2f} {1e3 * seconds[1]:10.2f} {len(to_json(value)) / 1e3:11.0f}")


def case(rows: int, width: int) -> tuple[Floats, Ids]:
    """Random logits, and the likeliest token of each row as the given one."""
    logits = (4 * np.random.default_rng(rows).normal(size=(rows, width))).astype(np.float32)
    return logits, logits.argmax(axis=1)


def numpy_rows(logits: Floats, ids: Ids) -> list[tuple[NDArray[np.generic], ...]]:
    """Logprob, rank and top of each row, some rows at a time so that what is needed beside the logits stays small."""
    block = max(1, BLOCK_VALUES // logits.shape[1])
    return [numpy_block(logits[at : at + block], ids[at : at + block]) for at in range(0, len(ids), block)]


def numpy_block(logits: Floats, ids: Ids) -> tuple[NDArray[np.generic], ...]:
    """The rows of one block."""
    shift = logits.max(axis=1, keepdims=True)
    total = np.exp(logits - shift).sum(axis=1, keepdims=True, dtype=np.float64)
    normalizer = shift + np.log(total).astype(np.float32)
    given = np.take_along_axis(logits, ids[:, None], axis=1)
    maxima = logits.reshape(len(ids), -1, GROUP).max(axis=2)
    bound = np.partition(maxima, maxima.shape[1] - TOP, axis=1)[:, maxima.shape[1] - TOP, None]
    rows, columns = np.divmod(np.flatnonzero(logits >= bound), logits.shape[1])
    order = np.lexsort((-logits[rows, columns], rows))
    starts = np.searchsorted(rows, np.arange(len(ids)))
    top = columns[order][starts[:, None] + np.arange(TOP)]
    return given - normalizer, (logits >= given).sum(axis=1), top, np.take_along_axis(logits, top, axis=1) - normalizer


def dialects(rows: LogprobRows, ids: Ids) -> dict[str, Callable[[], object]]:
    """Each dialect's object of one prompt."""
    tokenizer = ModelFolder.open(DEMO).tokenizer
    prompt = [0, *ids.tolist()]

    def echoed(writer: LegacyLogprobs | ContentLogprobs) -> object:
        writer.add_prompt(prompt, rows, last=None)
        return writer.take()

    return {
        "prompt_logprobs": lambda: prompt_logprobs(rows, tokenizer),
        "legacy": lambda: echoed(LegacyLogprobs(tokenizer, k=TOP, as_token_ids=False)),
        "content": lambda: echoed(ContentLogprobs(tokenizer, k=TOP, completions=True)),
    }


if __name__ == "__main__":
    main()
