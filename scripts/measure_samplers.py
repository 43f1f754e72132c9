"""Every sampler over HTTP, in figures: does a replay from top-20 logprobs reproduce what a server sampled?

    python scripts/measure_samplers.py [--tokens 5000] [--samplers NAME ...]

For each sampler, on the demo model: the float32 model against itself, its bfloat16-rounded weights, and impostors; then
the same without a seed. Prints one line a run. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.records import SamplingParams, ScoreStatus, derived_seeds
from token_difr.run.audit import AuditRun, audit
from token_difr.sampler import Sampler
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

SAMPLERS = (
    "vllm@0.33",
    "vllm@0.30",
    "vllm@0.20:runner=v2",
    "vllm@0.17:runner=v2",
    "vllm@0.13:runner=v2",
    "vllm@0.33:precision=float64",
    "vllm@0.19:gpu=H100",
    "torch-cuda@2.9:multiprocessors=1,threads=256",
    "torch-cpu@2.13",
    "sglang@0.5.23",
    "sglang@0.5.8",
)
WIDTH = 2048
NOISE = 1e-4
TOKENS_A_PROMPT = 42  # about what the demo model answers with at temperature 1
FILTERED = SamplingParams(temperature=1.0, top_k=20, top_p=0.95)
UNFILTERED = tuple(SamplingParams(temperature=temperature) for temperature in (0.7, 1.3))
HONEST = {"weights": WeightRounding.BF16}


@dataclass(frozen=True)
class Bench:
    """What all runs share: the reference, the folder, and how many prompts make the tokens that were asked for."""

    reference: str
    folder: Path
    prompts: int
    names: Iterator[int]

    def run(
        self,
        settings: dict[str, Any],
        params: SamplingParams,
        *,
        sampler: str | None,
        baseline: AuditRun | None = None,
        served_by: str,
        other_prompts: bool = False,
        claimed_seeds: int = 42,
    ) -> AuditRun:
        """One audit of a server that is started for it."""
        first = self.prompts if other_prompts else 0
        conversations = read_prompts(PROMPTS_FILE)[first : first + self.prompts]
        served = ServerSettings(model=DEMO, sampler=Sampler.parse(served_by), **settings)
        with running(ModelService(served)) as url:
            return audit(
                conversations,
                provider=url,
                model="demo",
                reference=self.reference,
                tokenizer="demo",
                params=replace(params, seed=derived_seeds(claimed_seeds, len(conversations))),
                max_tokens=64,
                sampler=sampler,
                vocab_size=WIDTH,
                baseline=None if baseline is None else baseline.path,
                out=self.folder / str(next(self.names)),
                concurrency=16,
                progress=False,
            )


@contextmanager
def bench(tokens: int) -> Iterator[Bench]:
    """The reference, running, and a folder for the runs."""
    with tempfile.TemporaryDirectory() as folder, running(ModelService(ServerSettings(model=DEMO))) as reference:
        yield Bench(reference, Path(folder), -(-tokens // TOKENS_A_PROMPT), itertools.count())


def line(label: str, run: AuditRun) -> str:
    """Tokens, match rate, mismatches beyond the noise, undecided share and verdict of one run."""
    scores, summary = run.scores, run.decision.summary
    decided = np.isin(scores.status, (ScoreStatus.SCORED, ScoreStatus.FILTERED, ScoreStatus.CENSORED))
    beyond = int(np.count_nonzero(decided & ~scores.exact_match & ~(scores.margin_bound <= NOISE)))
    undecided = summary.statuses["undecided"] / max(summary.tokens, 1)
    comparison = run.decision.comparison
    p_value = "" if comparison is None else f"  p {comparison.p_value:.4f} {run.verdict}"
    if not decided.any():
        above = summary.statistics["surprise_above"].value
        return f"  {label:34} {summary.tokens:6,} tokens  surprise above expectation {above:.4f}{p_value}"
    return (
        f"  {label:34} {summary.tokens:6,} tokens  match {100 * summary.exact_match_rate.value:7.3f} %"
        f"  beyond noise {beyond:5,}  undecided {100 * undecided:.2f} %{p_value}"
    )


def measure_sampler(setup: Bench, name: str) -> None:
    """All seeded runs under one sampler."""
    print(name)

    def run(settings: dict[str, Any], params: SamplingParams = FILTERED, **options: Any) -> AuditRun:
        return setup.run(settings, params, sampler=name, served_by=name, **options)

    for params in (FILTERED, *UNFILTERED):
        how = f"T {params.temperature:g}" + (", top-k 20, top-p 0.95" if params.top_k else "")
        print(line(f"float32, {how}", run({}, params)))
        print(line(f"bf16, {how}", run(HONEST, params)))
    baseline = run(HONEST, other_prompts=True)
    print(line("honest, against a baseline", run(HONEST, baseline=baseline)))
    print(line("seed 43", run({**HONEST, "force_seed": 43}, baseline=baseline)))
    print(line("temperature 1.1", run({**HONEST, "temperature_scale": 1.1}, baseline=baseline)))
    print(line("int4", run({"weights": WeightRounding.INT4}, baseline=baseline)), flush=True)


def measure_unseeded(setup: Bench) -> None:
    """The runs whose noise is not replayed; every answer has its own, as without a seed."""
    print("without a replay")

    def run(settings: dict[str, Any], seeds: int, **options: Any) -> AuditRun:
        options = {"sampler": None, "served_by": "vllm@0.33", "claimed_seeds": seeds, **options}
        return setup.run(settings, FILTERED, **options)

    baseline = run(HONEST, 1, other_prompts=True)
    print(line("honest", run(HONEST, 2, baseline=baseline)))
    print(line("temperature 1.1", run({**HONEST, "temperature_scale": 1.1}, 2, baseline=baseline)))
    print(line("top-p 0.85", run({**HONEST, "force_top_p": 0.85}, 2, baseline=baseline)))
    print(line("int4", run({"weights": WeightRounding.INT4}, 2, baseline=baseline)), flush=True)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description="Every sampler over HTTP, in figures.")
    parser.add_argument("--tokens", type=int, default=5000, help="tokens a run; twice as many without a seed")
    parser.add_argument("--samplers", nargs="*", default=SAMPLERS)
    arguments = parser.parse_args()
    logging.getLogger("token_difr.server").setLevel(logging.ERROR)
    with bench(arguments.tokens) as setup:
        for name in arguments.samplers:
            measure_sampler(setup, name)
    with bench(2 * arguments.tokens) as setup:
        measure_unseeded(setup)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
