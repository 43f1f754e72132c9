"""Several models on one server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr.errors import InputError
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

SHARED = ServerSettings(model=DEMO, max_logprobs=5)


@pytest.fixture(scope="module")
def several() -> Iterator[httpx2.Client]:
    """Two models on one engine: the second echoes a leading row and gives all logprobs."""
    first = ModelService(replace(SHARED, name="plain"))
    other = replace(SHARED, name="second", echo_bos=True, max_logprobs=-1, system_prompt="Sing.")
    with (
        running(first, ModelService(other, first.loaded)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http,
    ):
        yield http


def test_each_request_goes_to_its_model(several: httpx2.Client) -> None:
    """All are listed, the first answers what names none, and each has options of its own."""
    assert [model["id"] for model in several.get("/v1/models").json()["data"]] == ["plain", "second"]
    assert several.get("/v1/models/second").json()["deviations"] == {"system_prompt": "Sing."}
    body = {"prompt": "The list", "max_tokens": 1, "echo": True, "logprobs": 0}
    rows = {}
    for name in (None, "plain", "second"):
        answer = several.post("/v1/completions", json={**body, "model": name}).json()
        assert answer["model"] == (name or "plain")
        rows[name] = len(answer["choices"][0]["logprobs"]["tokens"])
    assert rows["second"] == rows["plain"] + 1 == rows[None] + 1
    assert several.post("/v1/completions", json={**body, "logprobs": -1}).status_code == 400
    assert several.post("/v1/completions", json={**body, "logprobs": -1, "model": "second"}).status_code == 200
    native = {"text": "x", "sampling_params": {"max_new_tokens": 1}}
    assert several.post("/generate", json={**native, "model": "second"}).status_code == 200
    assert "token_difr_output_tokens_total" in several.get("/metrics").text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/completions", {"prompt": "x"}),
        ("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
        ("POST", "/generate", {"text": "x"}),
        ("POST", "/tokenize", {"prompt": "x"}),
        ("POST", "/detokenize", {"tokens": [5]}),
        ("GET", "/v1/models/third", None),
        ("GET", "/tokenizer_info?model=third", None),
    ],
)
def test_unknown_models_are_404(several: httpx2.Client, method: str, path: str, body: dict[str, Any] | None) -> None:
    """Everywhere, with the names that there are."""
    answer = several.request(method, path, json=None if body is None else {**body, "model": "third"})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"
    assert "'plain', 'second'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": ""},
        {"api_key": "a b"},
        {"api_key": "ключ"},
        {"force_top_p": 0.0},
        {"force_top_p": -1.0},
        {"force_top_p": 1.1},
        {"force_seed": -1},
        {"force_seed": 2**64},
        {"temperature_scale": -0.1},
        {"temperature_scale": float("nan")},
        {"temperature_scale": float("inf")},
        {"latency": float("inf")},
        {"latency": -1.0},
        {"faults": 1.5},
        {"faults": float("nan")},
        {"top_k_bug": -0.5},
        {"random_token_rate": 2.0},
        {"kv_bits": 1},
        {"kv_bits": 17},
        {"max_logprobs": -2},
        {"max_batch": 0},
        {"max_queue": 0},
        {"max_body_bytes": 0},
        {"max_request_tokens": 0},
        {"max_connections": 0},
        {"threads": 0},
        {"request_seconds": -1.0},
        {"grace_seconds": -1.0},
    ],
)
def test_settings_have_two_ends(settings: dict[str, Any]) -> None:
    """Every number has a least and a largest value, and a key must be one that a client can send."""
    with pytest.raises(InputError, match="must be"):
        ServerSettings(model=DEMO, **settings)
