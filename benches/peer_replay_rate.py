"""How fast token-difr 0.1.2 scores the rows of ``rows.py`` at temperature 1: runs in the environment of ``peer_environment.py``.

Prints one JSON object: positions, seconds of the fastest of several runs, and token-difr's version. What 0.1.2 does for
one sequence with its rows already a dense tensor is timed: probabilities, ranks, and ``_verify_vllm_gumbel_max``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import time

import torch

from rows import topk_arrays
from token_difr.common import _get_probs, _verify_vllm_gumbel_max

SEQUENCE = 200


def main() -> None:
    """Parse the command line, score, print."""
    parser = argparse.ArgumentParser(description="Rate of token-difr 0.1.2 at temperature 1.")
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--vocab-size", type=int, default=128_256)
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--runs", type=int, default=2)
    arguments = parser.parse_args()
    dense, claimed = sequence(arguments.k, arguments.vocab_size)
    seconds, matches = min(timed_run(dense, claimed, arguments.top_p) for _ in range(arguments.runs))
    version = importlib.metadata.version("token-difr")
    told = {"positions": SEQUENCE, "seconds": seconds, "matches": matches, "version": version}
    sys.stdout.write(json.dumps(told) + "\n")


def sequence(k: int, vocab_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The benchmark's first sequence: rows as a dense tensor, and the claimed tokens."""
    arrays = topk_arrays(SEQUENCE, k=k, vocab_size=vocab_size)
    dense = torch.full((SEQUENCE, vocab_size), -torch.inf)
    ids = torch.from_numpy(arrays["token_ids"].astype("int64")).view(SEQUENCE, k)
    dense.scatter_(1, ids, torch.from_numpy(arrays["logprobs"]).view(SEQUENCE, k))
    return dense, torch.from_numpy(arrays["claimed"].astype("int64"))


def timed_run(dense: torch.Tensor, claimed: torch.Tensor, top_p: float) -> tuple[float, int]:
    """Seconds of one sequence, and how many of its tokens match under seed 0."""
    top_k = torch.zeros(len(dense), dtype=torch.long)
    shares = torch.full((len(dense),), top_p)
    started = time.perf_counter()
    probabilities = _get_probs(dense, 1.0, top_k, shares)
    chosen, _, _ = _verify_vllm_gumbel_max(
        temperature=1.0,
        seed=0,
        logits_JV=dense,
        probs_JV=probabilities,
        gold_col_idx_J=claimed,
        top_k_tensor_J=top_k,
        top_p_tensor_J=shares,
    )
    return time.perf_counter() - started, int((chosen == claimed).sum())


if __name__ == "__main__":
    main()
