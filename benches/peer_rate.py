"""How fast token-difr 0.1.2 scores the rows of ``rows.py``: runs in the environment of ``peer_environment.py``.

Prints one JSON object: positions, seconds of the fastest of several runs, token-difr's version and its summary of the
scores. Only ``_process_results_to_metrics`` is timed; the Python objects that it takes are made before.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import time
from operator import itemgetter

from rows import topk_arrays
from token_difr.api import SparseLogprobs, _process_results_to_metrics
from token_difr.common import TokenMetrics, compute_metrics_summary

SEQUENCE = 200


def main() -> None:
    """Parse the command line, score, print."""
    parser = argparse.ArgumentParser(description="Rate of token-difr 0.1.2.")
    parser.add_argument("--sequences", type=int, default=10, help=f"sequences of {SEQUENCE} tokens")
    parser.add_argument("--k", type=int, default=20)
    parser.add_argument("--vocab-size", type=int, default=128_256)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    sequences = sparse_logprobs(arguments.sequences, arguments.k, arguments.vocab_size)
    seconds, scores = min(
        (timed_run(sequences, arguments.vocab_size) for _ in range(arguments.runs)), key=itemgetter(0)
    )
    result = {
        "positions": arguments.sequences * SEQUENCE,
        "seconds": seconds,
        "version": importlib.metadata.version("token-difr"),
        "summary": compute_metrics_summary(scores),
    }
    sys.stdout.write(json.dumps(result) + "\n")


def sparse_logprobs(sequences: int, k: int, vocab_size: int) -> list[SparseLogprobs]:
    """The first sequences of the benchmark's rows, as the objects that 0.1.2 makes of an answer."""
    arrays = topk_arrays(sequences * SEQUENCE, k=k, vocab_size=vocab_size)
    pairs = list(zip(arrays["token_ids"].tolist(), arrays["logprobs"].tolist(), strict=True))
    rows = [pairs[start : start + k] for start in range(0, len(pairs), k)]
    claimed = arrays["claimed"].tolist()
    return [
        SparseLogprobs(
            index=i,
            gen_ids=claimed[i * SEQUENCE : (i + 1) * SEQUENCE],
            logprobs=rows[i * SEQUENCE : (i + 1) * SEQUENCE],
        )
        for i in range(sequences)
    ]


def timed_run(sequences: list[SparseLogprobs], vocab_size: int) -> tuple[float, list[list[TokenMetrics]]]:
    """Seconds of one call, and its scores."""
    started = time.perf_counter()
    scores = _process_results_to_metrics(
        sequences,
        len(sequences),
        vocab_size,
        temperature=0.0,
        top_k=0,
        top_p=1.0,
        seed=0,
        verbose=False,
    )
    return time.perf_counter() - started, scores


if __name__ == "__main__":
    main()
