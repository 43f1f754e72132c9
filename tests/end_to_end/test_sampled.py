"""Every sampler over HTTP: the server draws by its dense path, the audit replays from top-20 logprobs.

``scripts/measure_samplers.py`` prints the same figures over more tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.records import SamplingParams, Scores, ScoreStatus, Verdict, derived_seeds
from token_difr.run import RunDirectory
from token_difr.run.audit import AuditRun, audit
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO
from token_difr.verdict import summarize

WIDTH = 2048
NOISE = 1e-4  # nats by which the model differs from itself in another batch
PROMPTS = 20
SEEDS = derived_seeds(42, PROMPTS)
FILTERED = SamplingParams(temperature=1.0, top_k=20, top_p=0.95, seed=SEEDS)
SAMPLERS = (
    "vllm@0.33",
    "vllm@0.30",
    "vllm@0.20:runner=v2",
    "vllm@0.17:runner=v2",
    "vllm@0.13:runner=v2",
    "vllm@0.33:precision=float64",
    "vllm@0.19:gpu=H100",
    "torch-cuda@2.9:multiprocessors=1,threads=256",  # a grid that a row wraps eight times
    "torch-cpu@2.13",
    "sglang@0.5.23",
    "sglang@0.5.8",
)


@pytest.fixture(scope="module")
def reference() -> Iterator[str]:
    """Base URL of the float32 reference."""
    with running(ModelService(ServerSettings(model=DEMO))) as url:
        yield url


def sampled(
    reference: str, out: Path, settings: dict[str, Any], params: SamplingParams, *, first: int = 0, **options: Any
) -> AuditRun:
    """The audit of a server that is started for it; ``options`` go to ``audit``."""
    count = len(params.seed) if isinstance(params.seed, tuple) else PROMPTS
    prompts = read_prompts(PROMPTS_FILE)[first : first + count]
    with running(ModelService(ServerSettings(model=DEMO, **settings))) as url:
        return audit(
            prompts,
            provider=url,
            model="demo",
            reference=reference,
            tokenizer="demo",
            params=params,
            max_tokens=64,
            vocab_size=WIDTH,
            out=out,
            concurrency=16,
            progress=False,
            **options,
        )


def rescored(run: AuditRun, params: SamplingParams, sampler: str) -> Scores:
    """The scores of the same rows as if another thing had been claimed."""
    with RunDirectory.read(run.path) as stored:
        return score(stored.batch(), params, sampler=Sampler.parse(sampler), vocab_size=WIDTH)


def mismatches(scores: Scores) -> int:
    """Decided tokens that are not the reference's, two within the model's own noise aside."""
    decided = np.isin(scores.status, (ScoreStatus.SCORED, ScoreStatus.FILTERED, ScoreStatus.CENSORED))
    return int(np.count_nonzero(decided & ~scores.exact_match & ~(scores.margin_bound <= NOISE)))


def undecided_rate(scores: Scores) -> float:
    return float(np.mean(scores.status == ScoreStatus.UNDECIDED))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_model_against_itself(reference: str, name: str, tmp_path: Path) -> None:
    """Every decided token of the float32 model is reproduced, and nearly all are decided; with other seeds few are."""
    run = sampled(reference, tmp_path / "run", {"sampler": Sampler.parse(name)}, FILTERED, sampler=name)
    assert len(run.scores.status) > 500
    assert mismatches(run.scores) == 0
    assert undecided_rate(run.scores) <= 0.01

    other = rescored(run, replace(FILTERED, seed=derived_seeds(43, PROMPTS)), name)
    assert summarize(other).exact_match_rate.value < 0.6


@pytest.mark.parametrize(
    ("name", "temperature"),
    [
        ("vllm@0.33", 0.7),
        ("vllm@0.33", 1.3),
        ("vllm@0.30", 1.3),
        ("torch-cpu@2.13", 0.7),
        ("sglang@0.5.23", 1.3),
        ("sglang@0.5.8", 0.7),
    ],
)
def test_without_filters(reference: str, name: str, temperature: float, tmp_path: Path) -> None:
    """The same at other temperatures and with the whole vocabulary to choose from."""
    params = SamplingParams(temperature=temperature, seed=SEEDS)
    run = sampled(reference, tmp_path / "run", {"sampler": Sampler.parse(name)}, params, sampler=name)
    assert run.decision.summary.decided_tokens > 500
    assert mismatches(run.scores) == 0


@pytest.mark.parametrize("name", ["vllm@0.33", "vllm@0.20:runner=v2", "vllm@0.19:gpu=H100", "torch-cpu@2.13"])
def test_rounded_weights_still_match(reference: str, name: str, tmp_path: Path) -> None:
    """An honest provider's bfloat16 weights change few tokens."""
    settings = {"sampler": Sampler.parse(name), "weights": WeightRounding.BF16}
    run = sampled(reference, tmp_path / "run", settings, FILTERED, sampler=name)
    assert run.decision.summary.exact_match_rate.value >= 0.97


def test_noise_by_rank_is_judged_against_its_baseline(reference: str, tmp_path: Path) -> None:
    """SGLang's columns permute the noise where two neighbors swap: rounding matches less, and is honest all the same."""
    name, count = "sglang@0.5.23", 40
    params = replace(FILTERED, seed=derived_seeds(42, count))

    def run(folder: str, weights: WeightRounding, **options: Any) -> AuditRun:
        settings = {"sampler": Sampler.parse(name), "weights": weights}
        return sampled(reference, tmp_path / folder, settings, params, sampler=name, **options)

    baseline = run("baseline", WeightRounding.BF16, first=count)
    honest = run("honest", WeightRounding.BF16, baseline=baseline.path)
    assert honest.decision.summary.exact_match_rate.value > 0.9
    assert honest.verdict is not Verdict.DIVERGENT
    assert run("int4", WeightRounding.INT4, baseline=baseline.path).verdict is Verdict.DIVERGENT


@pytest.mark.parametrize("temperature", [1e-8, 1e-6, 1e-4])
def test_near_greedy(reference: str, temperature: float, tmp_path: Path) -> None:
    """The server and the scorer agree on what is greedy, and on finite answers just above it."""
    name = "vllm@0.33"
    params = SamplingParams(temperature=temperature, top_k=5, top_p=0.95, seed=SEEDS)
    served = {"sampler": Sampler.parse(name)}
    run = sampled(reference, tmp_path / "run", served, params, sampler=name, token_ids=True)
    assert set(run.scores.status) == {ScoreStatus.SCORED}
    assert mismatches(run.scores) == 0
    assert np.isfinite(run.scores.margin).all()
    assert (run.scores.logit_rank == 0).mean() > 0.99


def test_token_ids_are_the_providers_own(reference: str, tmp_path: Path) -> None:
    """What was sampled is what is scored: the ids that the server sent, also where its text would encode otherwise."""
    name = "vllm@0.33"
    text: dict[str, Any] = {"token_ids": False, "repair_requests": 0}
    params = SamplingParams(temperature=1.3, seed=SEEDS)
    run = sampled(reference, tmp_path / "run", {"sampler": Sampler.parse(name)}, params, sampler=name)
    with RunDirectory.read(run.path) as stored:
        responses, sequences = stored.responses(), stored.sequences()
    for index, response in responses.items():
        assert list(sequences[index].output_token_ids) == response.body["choices"][0]["token_ids"]
    encoded = sampled(reference, tmp_path / "text", {"sampler": Sampler.parse(name)}, params, sampler=name, **text)
    assert mismatches(run.scores) == 0 < mismatches(encoded.scores)
