"""Greedy scoring: positions a second, against the machine's read bandwidth and against token-difr 0.1.2.

    python benches/bench_score.py                 prints one table
    python benches/bench_score.py --without-peer  leaves token-difr 0.1.2 out (it needs torch and the package index)

All on the rows of ``rows.py``. token-difr 0.1.2 scores fewer of them, in sequences of 200 tokens, in an environment of its
own (``peer_environment.py``); its rate is that of its own ``_process_results_to_metrics``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import token_difr
from measure import extra_memory, fastest, read_bandwidth
from peer_environment import make_peer_environment
from rows import topk_arrays
from token_difr.scores import torch_check

K = 20
VOCAB_SIZE = 128_256
TARGET_RATIO = 30_000
TORCH_POSITIONS = 2_000


class Line(NamedTuple):
    """One measured thing: its rate in positions a second, and the bytes that it reads a position."""

    name: str
    rate: float
    bytes_a_position: float


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description="Rate of greedy scoring.")
    parser.add_argument("--positions", type=int, default=1_000_000)
    parser.add_argument("--without-peer", action="store_true")
    arguments = parser.parse_args()
    print(f"greedy scoring of {arguments.positions:,} positions, k = {K}, V = {VOCAB_SIZE:,}")
    print(f"{machine()}\n")
    arrays = topk_arrays(arguments.positions, k=K, vocab_size=VOCAB_SIZE)
    lines = native_lines(arrays)
    bandwidth = read_bandwidth(list(arrays.values()))
    print_rates([*lines, torch_line()], bandwidth)
    print_memory(arguments.positions)
    if not arguments.without_peer:
        print_ratio(lines)


def machine() -> str:
    """Where these figures come from."""
    python = f"Python {platform.python_version()}, NumPy {np.__version__}, token-difr {token_difr.__version__}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}; {python}"


def native_lines(arrays: dict[str, Any]) -> list[Line]:
    """Scoring, construction, and both together."""
    positions = arrays["claimed"].size
    batch = token_difr.TopKBatch(**arrays)
    in_reverse = {**arrays, "token_ids": arrays["token_ids"][::-1].copy(), "logprobs": arrays["logprobs"][::-1].copy()}
    size = sum(array.nbytes for array in arrays.values()) / positions

    def line(name: str, work: Callable[[], object]) -> Line:
        return Line(name, positions / fastest(work), size)

    return [
        line("score(batch)", lambda: token_difr.score(batch)),
        line("TopKBatch(...) of sorted rows", lambda: token_difr.TopKBatch(**arrays)),
        line("TopKBatch(...) of reversed rows", lambda: token_difr.TopKBatch(**in_reverse)),
        line("score(TopKBatch(...))", lambda: token_difr.score(token_difr.TopKBatch(**arrays))),
    ]


def torch_line() -> Line:
    """The package's own dense torch path."""
    arrays: dict[str, Any] = topk_arrays(TORCH_POSITIONS, k=K, vocab_size=VOCAB_SIZE)
    batch = token_difr.TopKBatch(**arrays)
    seconds = fastest(lambda: torch_check.score_greedy(batch, vocab_size=VOCAB_SIZE), runs=2)
    return Line("score/torch_check.py", TORCH_POSITIONS / seconds, 4 * VOCAB_SIZE)


def print_rates(lines: list[Line], bandwidth: float) -> None:
    """Rates, and the share of the machine's read bandwidth that they make use of."""
    print(f"{'':36}{'positions/s':>16}{'GB/s':>8}{'of bandwidth':>14}")
    print(f"{'all cores reading the same arrays':36}{'':16}{bandwidth / 1e9:8.1f}{1:14.0%}")
    for line in lines:
        speed = line.rate * line.bytes_a_position
        print(f"{line.name:36}{line.rate:16,.0f}{speed / 1e9:8.1f}{speed / bandwidth:14.0%}")


def print_memory(positions: int) -> None:
    """Memory beyond the arrays themselves, which should follow the rows and not the vocabulary."""
    print(f"\n{'memory of score(TopKBatch(...))':36}{'bytes/position':>16}")
    for count, vocab_size in [(positions // 4, VOCAB_SIZE), (positions, VOCAB_SIZE // 4), (positions, VOCAB_SIZE)]:
        child = [sys.executable, __file__, "--memory", str(count), str(vocab_size)]
        # A fixed threshold makes glibc return what was freed before the measurement.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
        extra = subprocess.run(child, check=True, capture_output=True, text=True, env=environment).stdout.strip()
        figure = "not told" if extra == "None" else f"{int(extra) / count:.0f}"
        print(f"{f'{count:,} positions, V = {vocab_size:,}':36}{figure:>16}")


def measure_memory(positions: int, vocab_size: int) -> None:
    """Print the bytes that scoring takes beyond the given arrays: run as a process of its own."""
    arrays: dict[str, Any] = topk_arrays(positions, k=K, vocab_size=vocab_size)
    token_difr.score(token_difr.TopKBatch.from_rows([], []))
    print(extra_memory(lambda: token_difr.score(token_difr.TopKBatch(**arrays))))


def print_ratio(lines: list[Line]) -> None:
    """Rates over that of token-difr 0.1.2."""
    peer = [make_peer_environment(), Path(__file__).with_name("peer_rate.py"), "--k", K, "--vocab-size", VOCAB_SIZE]
    told = json.loads(subprocess.run(list(map(str, peer)), check=True, capture_output=True, text=True).stdout)
    rate = told["positions"] / told["seconds"]
    check_agreement(told)
    print(f"\n{'token-difr ' + told['version']:36}{rate:16,.0f} positions/s over {told['positions']:,} positions")
    for line in lines:
        print(f"{line.name:36}{line.rate / rate:16,.0f} times (target {TARGET_RATIO:,})")


def check_agreement(told: dict[str, Any]) -> None:
    """The two score the same rows: their summaries must agree."""
    arrays: dict[str, Any] = topk_arrays(told["positions"], k=K, vocab_size=VOCAB_SIZE)
    summary = token_difr.compute_metrics_summary(token_difr.score(token_difr.TopKBatch(**arrays)))
    for name, theirs in told["summary"].items():
        if abs(summary[name] - theirs) > 1e-6 * max(1.0, abs(theirs)):
            raise RuntimeError(f"{name} is {summary[name]}, but {theirs} by token-difr {told['version']}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        measure_memory(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
