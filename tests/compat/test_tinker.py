"""Verification against Tinker under the old names: the real SDK, and the stand-in service on the demo model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tinker_sdk import leaves_connections, tinker_sampling
from token_difr import TokenSequence, verify_outputs_api, verify_outputs_tinker
from token_difr.engine.loading import load_engine
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.tinker_service import TinkerService, engine_logprobs

pytestmark = list(leaves_connections)

SAMPLING: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}
SEQUENCES = [TokenSequence([1, 359, 267], [201, 293, 292]), TokenSequence([1], []), TokenSequence((9, 7), (16, 49))]


@pytest.fixture
def sampling_client() -> Iterator[Any]:
    """What ``create_sampling_client`` gives."""
    with tinker_sampling(TinkerService(engine_logprobs(load_engine(ModelFolder.open(DEMO).path)))) as made:
        yield made


async def test_tinker(sampling_client: Any, serving: Any) -> None:
    """Both old functions, inside a running loop, give the metrics of Fireworks' dialect on the same model."""
    old = verify_outputs_tinker(SEQUENCES, 2048, sampling_client=sampling_client, topk_logprobs=5, **SAMPLING)
    older = verify_outputs_api(SEQUENCES, "tinker", 2048, sampling_client=sampling_client, topk_logprobs=5, **SAMPLING)
    with serving("demo") as url, openai.OpenAI(base_url=url, api_key="x") as client:
        wanted = verify_outputs_api(
            SEQUENCES, "fireworks", 2048, client=client, model="demo", tokenizer=1, topk_logprobs=5, **SAMPLING
        )
    assert [len(tokens) for tokens in old] == [3, 0, 2]
    for results in (old, older):
        for ours, theirs in zip(results, wanted, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                assert (a.exact_match, a.logit_rank) == (b.exact_match, b.logit_rank)
                assert (a.prob, a.margin) == pytest.approx((b.prob, b.margin), abs=1e-3)
