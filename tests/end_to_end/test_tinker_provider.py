"""An audit whose provider and reference are Tinker, through its real SDK, against the stand-in service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinker_sdk import leaves_connections, tinker_sampling
from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.loading import load_engine
from token_difr.errors import EndpointError, InputError
from token_difr.records import SamplingParams
from token_difr.run import RunDirectory
from token_difr.run.audit import audit
from token_difr.sequences import load_tokenizer, render
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.tinker_service import TinkerService, engine_logprobs
from token_difr.tinker import TinkerProvider, TinkerReference

pytestmark = list(leaves_connections)


@pytest.fixture
def client() -> Iterator[Any]:
    """A sampling client of the SDK."""
    with tinker_sampling(TinkerService(engine_logprobs(load_engine(ModelFolder.open(DEMO).path)))) as made:
        yield made.result() if hasattr(made, "result") else made


def provider_of(client: Any) -> TinkerProvider:
    tokenizer = load_tokenizer("demo")
    return TinkerProvider(
        client,
        render=lambda messages: render(messages, tokenizer),
        decode=lambda ids: tokenizer.decode(ids, skip_special_tokens=True),
    )


def test_tinker_against_itself(client: Any, tmp_path: Path) -> None:
    """Its own greedy tokens are its reference's, each of them; ids and logprobs are its own."""
    run = audit(
        read_prompts(PROMPTS_FILE)[:4],
        provider=provider_of(client),
        model="demo",
        reference=TinkerReference(client, "demo", topk_logprobs=5),
        tokenizer="demo",
        max_tokens=8,
        out=tmp_path / "run",
        progress=False,
    )
    assert run.scores.exact_match.all()
    assert run.scores.exact_match.size == 4 * 8
    with RunDirectory.read(run.path) as stored:
        response = stored.responses()[0]
    assert response.sent["top_k"] == -1
    assert len(response.body["choices"][0]["token_ids"]) == response.completion_tokens
    assert run.audit.asked is not None
    assert run.audit.asked.provider == "tinker"


@pytest.mark.parametrize(("params", "words"), [(SamplingParams(temperature=1.0, min_p=0.1), "no min_p")])
def test_what_tinker_lacks(client: Any, tmp_path: Path, params: SamplingParams, words: str) -> None:
    """A filter that its sampler lacks is an error, never left out."""
    with pytest.raises((InputError, EndpointError), match=words):
        audit(
            read_prompts(PROMPTS_FILE)[:2],
            provider=provider_of(client),
            model="demo",
            reference=TinkerReference(client, "demo", topk_logprobs=5),
            tokenizer="demo",
            params=params,
            out=tmp_path / "run",
            progress=False,
        )
