"""Kind 11: old names with new answers."""

from __future__ import annotations

import asyncio
import importlib
import math
from importlib import resources
from typing import Any

import httpx2
import openai
import pytest

import token_difr
from token_difr import TokenMetrics, TokenSequence, verify_outputs_fireworks
from token_difr.records import TopKBatch
from token_difr.scores import compute_metrics_summary, score


def verified(endpoint: Any, entries: list[tuple[int, float]], *, beside: float) -> TokenMetrics:
    """The claimed token 7 after 3, by a reference whose row is ``entries`` and that tells a logprob beside it."""
    row = {
        "token_id": 7,
        "logprob": beside,
        "top_logprobs": [{"token_id": i, "logprob": value} for i, value in entries],
    }
    plain = {"token_id": 3, "logprob": -1.0, "top_logprobs": []}
    content = [plain, row, {**plain, "token_id": 5}]
    endpoint.answer = lambda *_: (200, {"choices": [{"index": 0, "text": "", "logprobs": {"content": content}}]})

    async def work() -> TokenMetrics:
        async with openai.AsyncOpenAI(base_url=f"{endpoint.url}/v1", api_key="x", max_retries=0) as client:
            options: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}
            outputs = [TokenSequence([3], [7])]
            ((found,),) = await verify_outputs_fireworks(outputs, 100, client=client, model="m", **options)
            return found

    return asyncio.run(work())


def test_a_token_outside_the_row(endpoint: Any) -> None:
    """Its margin is infinite, as in 0.1.2, whatever logprob stands beside the row."""
    found = verified(endpoint, [(1, -0.5), (2, -1.0)], beside=-3.0)
    assert (found.exact_match, found.margin, found.prob) == (False, math.inf, 0.0)


def test_entries_of_minus_infinity_have_no_rank(endpoint: Any) -> None:
    """Under the old names and the new: an absent token stands behind those that are possible."""
    assert verified(endpoint, [(1, -0.5), (2, -9999.0)], beside=-9999.0).logit_rank == 1
    rows = [[(1, -0.5), (2, -math.inf)]]
    batch = TopKBatch.from_rows(rows, [7])
    assert score(batch).logit_rank.tolist() == [1.0]
    sampled = score(batch, token_difr.SamplingParams(temperature=1.0, seed=1))
    assert sampled.logit_rank.tolist() == [1.0]


def test_infinite_ranks_are_not_the_best_ones() -> None:
    """Their average is infinite, as in 0.1.2."""
    summary = compute_metrics_summary([[TokenMetrics(False, 0.0, math.inf, math.inf, math.inf)]])
    ranks = [value for name, value in summary.items() if "rank" in name]
    assert ranks
    assert 0.0 not in ranks


@pytest.mark.parametrize(
    "name",
    [
        "audit.audit_provider",
        "api.SparseLogprobs",
        "api.PositionLogprobs",
        "openrouter_api.main",
    ],
)
def test_old_names_as_attributes(name: str) -> None:
    """Of the modules that had them."""
    module, _, attribute = name.rpartition(".")
    assert getattr(importlib.import_module(f"token_difr.{module}"), attribute) is not None


def test_the_marker_of_types_ships() -> None:
    """For the users' own checkers."""
    assert (resources.files("token_difr") / "py.typed").is_file()


def test_the_first_token_of_a_prompt_is_not_certain(http: httpx2.Client) -> None:
    """In the form of content objects it has no logprob, which is not one of 0."""
    body = {"prompt": "The list", "max_tokens": 1, "echo": True, "logprobs": True, "top_logprobs": 2}
    content = http.post("/v1/completions", json=body).json()["choices"][0]["logprobs"]["content"]
    assert content[0]["logprob"] is None
    assert content[0]["top_logprobs"] == []
