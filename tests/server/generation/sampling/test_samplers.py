"""Sampling by a named engine's rule: its noise, its filters, and the switches that deviate from what was asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from openai import BadRequestError, OpenAI

from token_difr.errors import InputError
from token_difr.sampler import Sampler
from token_difr.server import ModelService, ServerSettings
from token_difr.server.generation.sampling import SamplingSettings, TokenSampler
from token_difr.server.generation.sampling.filters import apply_filters
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

SCORES = np.log(np.array([0.1, 0.4, 0.2, 0.25, 0.05]))
WIDTH = 16


def logits_of(seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=WIDTH).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "fields", "kept"),
    [
        ("vllm@0.33", {"min_p": 0.5, "top_p": 0.7}, {1, 3}),  # of 0.85 that min-p leaves, 0.2 is at most 30 %
        ("torch-cpu@2.13", {"min_p": 0.5, "top_p": 0.7}, {1, 2, 3}),  # top-p sees the whole mass
        ("torch-cpu@2.13", {"top_k": 2}, {1, 3}),
        ("sglang@0.5.23", {"top_k": 2}, {1, 3}),
        ("sglang@0.5.23", {"top_p": 0.64}, {1, 3}),  # 0.65 lies before the third token
        ("sglang@0.5.23", {"top_p": 0.66}, {1, 2, 3}),
        ("sglang@0.5.23", {"top_k": 2, "top_p": 0.6}, {1, 3}),  # not renormalized: 0.4 lies before the second
        ("vllm@0.33", {"top_k": 2, "top_p": 0.6}, {1}),  # of 0.65 it leaves 0.25, less than 40 %
        ("sglang@0.5.23", {"min_p": 0.5}, {1, 2, 3}),
    ],
)
def test_filters_of_the_engines(name: str, fields: dict[str, Any], kept: set[int]) -> None:
    """Each engine's order, and what its shares are shares of."""
    settings = SamplingSettings(**fields, sampler=Sampler.parse(name))
    assert set(np.flatnonzero(np.isfinite(apply_filters(SCORES, settings)))) == kept


def test_sglang_cuts_ties_by_rank() -> None:
    """Exactly k tokens are left; of equal ones the lower ids."""
    settings = SamplingSettings(top_k=2, sampler=Sampler.parse("sglang@0.5.23"))
    filtered = apply_filters(np.array([1.0, 2.0, 1.0, 0.0]), settings)
    assert set(np.flatnonzero(np.isfinite(filtered))) == {0, 1}


@pytest.mark.parametrize(
    "name",
    [
        "vllm@0.33",
        "vllm@0.30",
        "torch-cuda@2.9:multiprocessors=1,threads=256",
        "torch-cpu@2.13",
        "sglang@0.5.8",
        "vllm-cpu@0.32",
        "vllm-cpu@0.31",
    ],
)
def test_the_choice_is_the_arg_max_with_the_streams_noise(name: str) -> None:
    """Logits / T + g, where g is keyed by the position of the last token, or by the step."""
    sampler = Sampler.parse(name)
    chooser = TokenSampler(SamplingSettings(temperature=0.7, seed=11, sampler=sampler), WIDTH)
    prompt, output = [1, 2, 3], list[int]()
    for step in range(30):
        key = step if sampler.keyed_by == "step" else len(prompt) - 1 + step
        noise = sampler.gumbel(seed=11, positions=[key], token_ids=np.arange(WIDTH), vocab_size=WIDTH)
        expected = int((logits_of(step).astype(np.float64) / 0.7 + noise).argmax())

        assert chooser.choose(logits_of(step), prompt, output) == expected
        output.append(expected)


def test_sglang_draws_by_rank_where_a_filter_is_on() -> None:
    """The noise of the r-th likeliest token is column r."""
    sampler = Sampler.parse("sglang@0.5.23")
    chooser = TokenSampler(SamplingSettings(seed=3, top_k=8, sampler=sampler), WIDTH)
    for seed in range(20):
        logits = logits_of(seed)
        order = np.argsort(-logits, kind="stable")[:8]
        noise = sampler.gumbel(seed=3, positions=[4], token_ids=np.arange(8))[0]

        assert chooser.choose(logits, [1] * 5, []) == order[(logits[order] + noise).argmax()]


@pytest.mark.parametrize("name", ["torch-cpu@2.13:batch_size=4", "sglang@0.5.3"])
def test_samplers_that_cannot_be_served(name: str) -> None:
    """Batches that share a generator, and an engine that ignores its seed, are refused by name."""
    with pytest.raises(InputError, match=name):
        ServerSettings(model=DEMO, sampler=Sampler.parse(name))


def answer(settings: dict[str, Any], **request: Any) -> str:
    with (
        running(ModelService(ServerSettings(model=DEMO, **settings))) as url,
        OpenAI(base_url=f"{url}/v1", api_key="EMPTY", max_retries=0) as client,
    ):
        message: Any = {"role": "user", "content": "What is a list?"}
        return (
            client.chat.completions.create(model="demo", messages=[message], max_tokens=24, **request)
            .choices[0]
            .message.content
            or ""
        )


def test_forced_parameters() -> None:
    """A forced seed or top-p gives the tokens of that seed or top-p, whatever the request says."""
    forced = answer({"force_seed": 43, "force_top_p": 0.5}, seed=42, top_p=0.9)
    assert forced == answer({}, seed=43, top_p=0.5)
    assert forced != answer({}, seed=42, top_p=0.9)


def test_another_sampler_gives_other_tokens() -> None:
    """The same seed under two rules."""
    assert answer({"sampler": Sampler.parse("vllm@0.33")}, seed=1) != answer({}, seed=1)


def test_sglang_refuses_min_p_with_a_seed() -> None:
    """As SGLang does; without a seed it is served."""
    served = {"sampler": Sampler.parse("sglang@0.5.23")}
    assert answer(served, extra_body={"min_p": 0.1})
    with pytest.raises(BadRequestError, match="min_p"):
        answer(served, seed=1, extra_body={"min_p": 0.1})
