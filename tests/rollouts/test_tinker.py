"""Rollouts through Tinker's real SDK, against the stand-in service on the demo model."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tinker_sdk import leaves_connections
from token_difr.engine.loading import load_engine
from token_difr.errors import InputError
from token_difr.rollouts import RolloutsClient
from token_difr.sequences import load_tokenizer, render
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.loopback import serving
from token_difr.testing.tinker_service import TinkerService, engine_logprobs

pytestmark = list(leaves_connections)


@pytest.fixture(scope="module")
def service() -> TinkerService:
    """The demo model behind Tinker's protocol."""
    return TinkerService(engine_logprobs(load_engine(ModelFolder.open(DEMO).path)))


def test_rollouts_through_the_sdk(service: TinkerService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversations are rendered here, seeds and stops are sent, and the second call costs nothing."""
    pytest.importorskip("tinker")
    monkeypatch.setenv("TINKER_TELEMETRY", "0")
    with serving(service) as url:
        monkeypatch.setenv("TINKER_BASE_URL", url)
        drawing = RolloutsClient(
            "demo",
            provider="tinker",
            tokenizer="demo",
            api_key="tml-not-a-key",
            cache_dir=tmp_path,
            logprobs=0,
            max_tokens=5,
            top_k=50,
            stop=[2],
            progress_bar=False,
        )
        before = len(service.requests)
        first = drawing.generate("What is a list?", 3)
        again = drawing.generate("What is a list?", 3)
        asked = service.requests[before:]
        with pytest.raises(InputError, match="does not have min_p"):
            drawing.generate("x", min_p=0.1)
        with pytest.raises(InputError, match="of no others"):
            drawing.generate("x", logprobs=3)
        drawing.close()
        gc.collect()  # what the SDK leaves to the collector shows here, and not in another test
    tokenizer = load_tokenizer("demo")
    assert len(asked) == 3
    assert sorted(body["sampling_params"]["seed"] for body in asked) == [0, 1, 2]
    assert asked[0]["sampling_params"]["stop"] == [2]
    prompt = render([{"role": "user", "content": "What is a list?"}], tokenizer)
    assert asked[0]["prompt"]["chunks"][0]["tokens"] == prompt
    assert first.get_texts() == again.get_texts()
    assert all(response.cached for response in again)
    for response in first:
        assert response.token_ids is not None
        assert response.full == tokenizer.decode(response.token_ids, skip_special_tokens=True)
        assert len(response.get_generation_logprobs() or ()) == len(response.token_ids)
