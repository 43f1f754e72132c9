"""Headers, keys, and what the metrics count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings
from token_difr.server.http import backend
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

Talk = Callable[..., AbstractContextManager[OpenAI]]
TOOLS: list[Any] = [{"type": "function", "function": {"name": "time"}}]


@pytest.fixture(scope="module")
def guarded() -> Iterator[httpx2.Client]:
    """A server with a key and few tokens a request."""
    settings = ServerSettings(model=DEMO, api_key="k3y", max_request_tokens=100)
    with (
        running(ModelService(settings)) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http,
    ):
        yield http


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer k3y", 200),
        ("bearer k3y", 200),
        ("BEARER k3y", 200),
        ("Bearer  k3y", 200),
        ("Basic k3y", 401),
        ("k3y", 401),
        ("Bearer", 401),
        ("Bearer K3Y", 401),
        ("Bearer k3y k3y", 401),
    ],
)
def test_the_scheme_has_no_case_and_the_key_has(guarded: httpx2.Client, given: str, status: int) -> None:
    """RFC 9110's rule."""
    answer = guarded.get("/v1/models", headers={"authorization": given})

    assert answer.status_code == status
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": ["x"] * 3, "n": 2, "max_tokens": 17}),
        ("/v1/completions", {"prompt": "x", "max_tokens": 101}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "n": 2, "max_tokens": 51}),
        ("/generate", {"text": ["x"] * 3, "sampling_params": {"max_new_tokens": 34}}),
    ],
)
def test_tokens_of_a_request_are_bounded(guarded: httpx2.Client, path: str, body: dict[str, Any]) -> None:
    """All its sequences together; one less is answered."""
    key = {"authorization": "Bearer k3y"}
    error = guarded.post(path, json=body, headers=key).json()["error"]

    assert error["param"] == "max_tokens"
    assert "at most 100 a request" in error["message"]


def test_requests_have_names(http: httpx2.Client) -> None:
    """The caller's own comes back with every answer, errors included; what could break a header or a log does not."""
    assert http.get("/health", headers={"x-request-id": "run-7/a"}).headers["x-request-id"] == "run-7/a"
    assert http.get("/nowhere", headers={"x-request-id": "run-7/a"}).headers["x-request-id"] == "run-7/a"
    fresh = [http.get("/health", headers=headers).headers["x-request-id"] for headers in ({}, {"x-request-id": "a b"})]
    assert len({*fresh, "a b"}) == 3
    assert len(http.get("/health", headers={"x-request-id": "x" * 201}).headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_can_be_asked_without_a_body(http: httpx2.Client, path: str) -> None:
    """HEAD, as load balancers do."""
    answer = http.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


def test_tokenizer_info(http: httpx2.Client) -> None:
    """Special tokens as texts and the chat template: what a client needs to tokenize from afar."""
    info = http.get("/tokenizer_info").json()

    assert info["eos_token"] == "<|im_end|>"
    assert "messages" in info["chat_template"]


@pytest.mark.parametrize("level", ["brick", "step", "layer"])
def test_trace_levels_give_the_trace(http: httpx2.Client, level: str) -> None:
    """Of which there is one level."""
    body = {"prompt": "x", "max_tokens": 1}
    assert "trace" in http.post("/v1/completions", json=body, headers={"x-trace-level": level}).json()


@pytest.mark.parametrize(
    "content", [b"[" * 300 + b"]" * 300, b'{"prompt": ' + b"9" * 5000 + b"}", b'{"prompt": "x", "n": 1e999}']
)
def test_json_has_limits(http: httpx2.Client, content: bytes) -> None:
    """Of depth and of digits: 400, never a fault of the server."""
    answer = http.post("/v1/completions", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 400


def test_streams_are_kept_alive_while_text_is_held_back(talking: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens come, but what may be a call is not shown: comments are, and then the call in pieces."""
    monkeypatch.setattr(backend, "KEEP_ALIVE_SECONDS", 0.02)
    said = '{"name": "time", "arguments": {"place": "somewhere far away"}}'
    with (
        talking(said, seconds_a_token=0.02) as client,
        httpx2.Client(base_url=client.base_url, timeout=PATIENCE_SECONDS) as http,
    ):
        body = {"messages": [{"role": "user", "content": "x"}], "tools": TOOLS, "stream": True, "temperature": 0}
        lines = http.post("chat/completions", json=body).text.splitlines()

    assert lines.count(": keep-alive") >= 2
    assert sum("tool_calls" in line for line in lines) >= 2


def test_failed_streams_are_counted(talking: Talk) -> None:
    """Their status was 200 when they began."""
    with (
        talking("one two three four", fail_at=2) as client,
        httpx2.Client(base_url=client.base_url, timeout=PATIENCE_SECONDS) as http,
    ):
        answer = http.post("completions", json={"prompt": "a b c", "stream": True, "temperature": 0})
        text = http.get(str(client.base_url).replace("/v1/", "/metrics")).text

    assert answer.status_code == 200
    assert "token_difr_failed_streams_total 1.0" in text
