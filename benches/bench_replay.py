"""Replaying samplers: positions a second at temperature 1, top-p 0.95, against token-difr 0.1.2 in the same run.

    python benches/bench_replay.py                 prints one table
    python benches/bench_replay.py --without-peer  leaves token-difr 0.1.2 out (it needs torch and the package index)

All on the rows of ``rows.py``, in sequences of 200 tokens under one seed. token-difr 0.1.2 scores one of them, in an
environment of its own (``peer_environment.py``), by its ``_verify_vllm_gumbel_max``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench_score import machine
from measure import fastest
from peer_environment import make_peer_environment
from rows import topk_arrays
from token_difr import Sampler, SamplingParams, TopKBatch, score

K = 50
VOCAB_SIZE = 128_256
TOP_P = 0.95
SEQUENCE = 200
SAMPLERS = (
    ("vllm@0.33", 10_000),
    ("vllm@0.30", 10_000),
    ("torch-cuda@2.13:gpu=H100,filters=vllm", 10_000),
    ("sglang@0.5.23", None),
    ("torch-cpu@2.13:filters=vllm", 2_000),
)
"""Sampler, and how many times 0.1.2's rate it is to have."""


class Line(NamedTuple):
    """One measured thing: its rate in positions a second, and how many times the peer's it is to be."""

    name: str
    rate: float
    target: int | None


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description="Rate of replaying samplers.")
    parser.add_argument("--sequences", type=int, default=1_000, help=f"sequences of {SEQUENCE} tokens")
    parser.add_argument("--without-peer", action="store_true")
    arguments = parser.parse_args()
    print(f"{arguments.sequences:,} sequences of {SEQUENCE} tokens, k = {K}, V = {VOCAB_SIZE:,}, top-p {TOP_P}")
    print(f"{machine()}\n")
    many, one = batch_of(arguments.sequences), batch_of(1)
    lines = [Line(name, rate(many, name), target) for name, target in SAMPLERS]
    lines.append(Line("torch-cpu, one sequence", rate(one, "torch-cpu@2.13:filters=vllm"), 50))
    lines.append(Line("no sampler (likelihood)", rate(many, None), None))
    peer = None if arguments.without_peer else peer_rate()
    print_lines(lines, peer)


def batch_of(sequences: int) -> TopKBatch:
    """The benchmark's rows, cut into sequences."""
    arrays: dict[str, Any] = topk_arrays(sequences * SEQUENCE, k=K, vocab_size=VOCAB_SIZE)
    indptr = np.arange(0, sequences * SEQUENCE + 1, SEQUENCE)
    return TopKBatch(**arrays, sequence_indptr=indptr, prompt_lengths=np.full(sequences, 100))


def rate(batch: TopKBatch, name: str | None) -> float:
    """Positions a second of ``score``."""
    sampler = None if name is None else Sampler.parse(name)
    params = SamplingParams(temperature=1.0, top_p=TOP_P, seed=0)
    return len(batch) / fastest(lambda: score(batch, params, sampler=sampler, vocab_size=VOCAB_SIZE), runs=5)


def peer_rate() -> dict[str, Any]:
    """What token-difr 0.1.2 tells of itself."""
    script = Path(__file__).with_name("peer_replay_rate.py")
    command = [make_peer_environment(), script, "--k", K, "--vocab-size", VOCAB_SIZE, "--top-p", TOP_P]
    told: dict[str, Any] = json.loads(
        subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
    )
    return told


def print_lines(lines: list[Line], peer: dict[str, Any] | None) -> None:
    """Rates, and how many times the peer's."""
    other = None if peer is None else peer["positions"] / peer["seconds"]
    print(f"{'':40}{'positions/s':>14}{'times 0.1.2':>14}{'target':>10}")
    if peer is not None and other is not None:
        print(f"{'token-difr ' + peer['version']:40}{other:14,.0f}{1:14,}")
    for line in lines:
        times = "" if other is None else f"{line.rate / other:,.0f}"
        target = "" if line.target is None else f"{line.target:,}"
        print(f"{line.name:40}{line.rate:14,.0f}{times:>14}{target:>10}")


if __name__ == "__main__":
    main()
