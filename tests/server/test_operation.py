"""Endpoints beside the completions, deviations, security, operation."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AuthenticationError, OpenAI

from patience import PATIENCE_SECONDS
from token_difr.engine.rounding import WeightRounding
from token_difr.errors import InputError
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.server.settings import Mix
from token_difr.testing.scripted_engine import ScriptedEngine

MESSAGES: list[Any] = [{"role": "user", "content": "What does str.join do?"}]


@contextmanager
def serving(**settings: Any) -> Iterator[httpx2.Client]:
    """A server with these settings, and plain HTTP to it."""
    service = ModelService(ServerSettings(model=DEMO, **settings))
    with running(service) as url, httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http:
        yield http


def chat(http: httpx2.Client, **fields: Any) -> dict[str, Any]:
    """A chat answer's JSON."""
    body = {"messages": MESSAGES, "temperature": 0, "max_tokens": 24, "return_token_ids": True, **fields}
    answer: dict[str, Any] = http.post("/v1/chat/completions", json=body).json()
    return answer


def ten_answers(http: httpx2.Client) -> list[dict[str, Any]]:
    """The answers to ten questions."""
    return [chat(http, messages=[{"role": "user", "content": f"Explain {name}."}]) for name in dir(str)[-10:]]


@pytest.fixture(scope="module")
def honest(http: httpx2.Client) -> list[dict[str, Any]]:
    """Those of a server without deviations."""
    return ten_answers(http)


def test_health_and_metrics() -> None:
    """Live and ready while it serves; the metrics count requests and tokens, streams included."""
    with serving() as http:
        assert [http.get(path).status_code for path in ("/health", "/health/live", "/health/ready")] == [200] * 3
        chat(http, max_tokens=7, ignore_eos=True)
        chat_body = {"messages": MESSAGES, "max_tokens": 5, "stream": True, "ignore_eos": True}
        http.post("/v1/chat/completions", json=chat_body)
        http.get("/nowhere")
        text = http.get("/metrics").text

    assert 'token_difr_requests_total{path="/v1/chat/completions",status="200"} 2.0' in text
    assert 'token_difr_requests_total{path="other",status="404"} 1.0' in text
    assert "token_difr_output_tokens_total 12.0" in text
    assert "token_difr_running_sequences 0.0" in text


def test_not_ready_before_the_scheduler_runs() -> None:
    """A service that was not started is not ready."""
    assert not ModelService(ServerSettings(model=DEMO)).scheduler.accepting


def test_api_key() -> None:
    """Everything but health asks for the key; the SDK sees its own error."""
    with serving(api_key="k3y") as http:
        assert http.get("/health").status_code == 200
        for headers in ({}, {"authorization": "Bearer k3"}, {"authorization": "k3y"}):
            answer = http.get("/v1/models", headers=headers)

            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "invalid_api_key"
        assert http.get("/v1/models", headers={"authorization": "Bearer k3y"}).status_code == 200
        sdk = OpenAI(base_url=f"{http.base_url}/v1", api_key="wrong", max_retries=0)
        with sdk, pytest.raises(AuthenticationError):
            sdk.models.list()


def test_large_bodies_are_refused() -> None:
    """413, whether the length is announced or not."""
    with serving(max_body_bytes=1000) as http:
        body = b'{"prompt": "' + b"x" * 2000 + b'"}'
        pieces = (body[at : at + 100] for at in range(0, len(body), 100))
        for content in (body, pieces):
            answer = http.post("/v1/completions", content=content, headers={"content-type": "application/json"})

            assert answer.status_code == 413
            assert answer.json()["error"]["code"] == "body_too_large"


def test_full_queue_is_503_with_retry_after(folder: ModelFolder) -> None:
    """More sequences than the queue has room for are refused whole, with a time to wait; than it ever has, for good."""
    engine = ScriptedEngine([5], folder.tokenizer.size, seconds_a_token=0.5)
    service = ModelService(ServerSettings(model=DEMO, max_batch=1, max_queue=2), engine)
    with running(service) as url, httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http:
        body = {
            "prompt": "a b c",
            "max_tokens": 900,
            "stream": True,
        }  # minutes long: both are there until they are left
        with http.stream("POST", "/v1/completions", json=body), http.stream("POST", "/v1/completions", json=body):
            full = http.post("/v1/completions", json={"prompt": "a b c", "n": 2, "max_tokens": 1})
            never = http.post("/v1/completions", json={"prompt": "a b c", "n": 3, "max_tokens": 1})

    assert (full.status_code, full.headers["retry-after"]) == (503, "1")
    assert full.json()["error"]["code"] == "overloaded"
    assert (never.status_code, never.json()["error"]["param"]) == (400, "n")


def test_shutdown_finishes_what_runs() -> None:
    """An answer that is under way when the server is told to stop still arrives whole."""
    answers: list[int] = []
    service = ModelService(ServerSettings(model=DEMO))
    with running(service) as url:

        def ask() -> None:
            body = {"prompt": "x", "max_tokens": 200, "ignore_eos": True}
            answers.append(
                httpx2.post(f"{url}/v1/completions", json=body, timeout=PATIENCE_SECONDS).json()["usage"][
                    "completion_tokens"
                ]
            )

        asking = threading.Thread(target=ask)
        asking.start()
        while not service.scheduler.running and not answers:
            time.sleep(0.001)
    asking.join()

    assert answers == [200]


def test_trace(http: httpx2.Client) -> None:
    """The header x-trace gives the times of one request, on streams too; without it there is none."""
    body = {"messages": MESSAGES, "max_tokens": 4}
    traced = http.post("/v1/chat/completions", json=body, headers={"x-trace": "1"}).json()

    assert set(traced["trace"][0]) == {"queue_ms", "prefill_ms", "decode_ms"}
    assert all(value >= 0 for value in traced["trace"][0].values())
    assert "trace" not in http.post("/v1/chat/completions", json=body).json()
    for path, prompt in (("/v1/chat/completions", {"messages": MESSAGES}), ("/v1/completions", {"prompt": "x"})):
        fields = {**prompt, "max_tokens": 4, "stream": True}
        lines = http.post(path, json=fields, headers={"x-trace": "1"}).text.split("\n\n")
        last = json.loads(lines[-3].removeprefix("data: "))

        assert last["choices"] == []
        assert len(last["trace"]) == 1


def test_access_log_is_one_line_a_request(http: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a caller writes into path or tag, it stays one line; prompts are not logged."""
    with caplog.at_level(logging.INFO, "token_difr.server.access"):
        http.post("/v1/completions", json={"prompt": "a secret", "max_tokens": 1}, headers={"x-request-tag": "a=b c"})
        http.get("/x%0Ay")
        http.get("/health")
    lines = [record.getMessage() for record in caplog.records if record.name == "token_difr.server.access"]

    assert "path=/v1/completions status=200" in lines[0]
    assert 'tag="a=b c"' in lines[0]
    assert all("\n" not in line and "secret" not in line for line in lines)


def test_errors_tell_no_paths(http: httpx2.Client, folder: ModelFolder) -> None:
    """No answer holds the model's path."""
    texts = [
        http.get("/v1/models").text,
        http.get("/x").text,
        http.get("/openapi.json").text,
        http.get("/metrics").text,
    ]
    texts.append(http.post("/v1/completions", json={"prompt": "x", "model": "y"}).text)

    assert not any(str(folder.path.parent) in text for text in texts)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"weights": WeightRounding.INT4}, {"weights": "int4"}),
        ({"kv_bits": 2}, {"kv_bits": 2}),
        ({"top_k_bug": 0.2}, {"top_k_bug": 0.2}),
        ({"random_token_rate": 0.2}, {"random_token_rate": 0.2}),
        ({"system_prompt": "Sing."}, {"system_prompt": "Sing."}),
        ({"mix": Mix(DEMO, WeightRounding.INT4, 1.0)}, {"mix": "demo@int4:1.0"}),
    ],
)
def test_deviations_change_greedy_answers(
    honest: list[dict[str, Any]], caplog: pytest.LogCaptureFixture, settings: dict[str, Any], told: dict[str, Any]
) -> None:
    """Each one changes some of ten answers, gives the same in every run, and is told by /v1/models and in the log."""
    caplog.set_level(logging.INFO, "token_difr.server")
    runs = []
    for _ in range(2):
        with serving(**settings) as impostor:
            assert impostor.get("/v1/models").json()["data"][0]["deviations"] == told
            assert json.dumps(told) in caplog.text
            runs.append(ten_answers(impostor))
    ids = [[answer["choices"][0]["token_ids"] for answer in answers] for answers in (honest, *runs)]

    assert ids[1] == ids[2]
    assert ids[0] != ids[1]


def test_temperature_scale_and_ignored_seeds() -> None:
    """The scale multiplies temperatures; an ignored seed is told but not used."""
    sampled = {"temperature": 1.0, "seed": 5, "ignore_eos": True, "max_tokens": 40}
    with serving() as http:
        plain, double = (chat(http, **{**sampled, "temperature": t})["choices"][0] for t in (1.0, 2.0))
    with serving(temperature_scale=2.0) as http:
        assert chat(http, **sampled)["choices"][0]["token_ids"] == double["token_ids"] != plain["token_ids"]
    with serving(ignore_seed=True) as http:
        first, second = (chat(http, **{**sampled, "temperature": 3.0})["choices"][0] for _ in range(2))

    assert first["seed"] == second["seed"] == 5
    assert first["token_ids"] != second["token_ids"]


def test_latency_and_faults() -> None:
    """Answers wait; a share of the requests fails by turns, and the health checks never do."""
    with serving(latency=0.2, faults=0.5) as http:
        assert http.get("/health").status_code == 200
        seen: list[Any] = []
        for _ in range(16):
            try:
                seen.append(http.get("/v1/models").status_code)
            except httpx2.RemoteProtocolError:
                seen.append("broken")
        started = time.monotonic()
        while http.post("/v1/completions", json={"prompt": "x", "max_tokens": 1}).status_code != 200:
            started = time.monotonic()
        waited = time.monotonic() - started

    assert set(seen) == {200, 500, 503, 429, "broken"}
    assert waited >= 0.2


@pytest.mark.parametrize("text", ["demo", "demo:2", ":0.5", "demo@int3:0.5", "demo:x"])
def test_mix_must_name_a_model_and_a_rate(text: str) -> None:
    """Anything else is an error that says the form."""
    with pytest.raises(InputError, match="MODEL:RATE"):
        Mix.parse(text)


def test_mix_is_a_share_of_the_requests(http: httpx2.Client) -> None:
    """At a rate of one half some answers are the model's own and some are the other's."""
    questions = [[{"role": "user", "content": f"Explain {name}."}] for name in dir(str)[-12:]]
    honest = [chat(http, messages=messages)["choices"][0]["token_ids"] for messages in questions]
    with serving(mix=Mix.parse("demo@int4:0.5")) as mixed:
        given = [chat(mixed, messages=messages)["choices"][0]["token_ids"] for messages in questions]
    equal = sum(one == other for one, other in zip(honest, given, strict=True))

    assert 0 < equal < len(questions)


def test_template_file(tmp_path: Path) -> None:
    """Another template makes another prompt; one that is missing or broken is an error at the start."""
    file = tmp_path / "t.jinja"
    file.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    with serving(template=file) as http:
        prompt = chat(http)["prompt_token_ids"]

        assert http.post("/detokenize", json={"tokens": prompt}).json()["prompt"] == MESSAGES[0]["content"]
    file.write_text("{% for %}")
    for wrong in (file, tmp_path / "none.jinja"):
        with pytest.raises(InputError, match="template"):
            ModelService(ServerSettings(model=DEMO, template=wrong))


def test_requests_for_too_many_sequences(http: httpx2.Client) -> None:
    """They are refused before anything is built for them, and name their number."""
    refused = http.post("/v1/completions", json={"prompt": [[5, 6]] * 100, "n": 128, "max_tokens": 1})
    assert refused.status_code == 400
    assert "12800 sequences" in refused.json()["error"]["message"]
    many = http.post("/generate", json={"input_ids": [[5, 6]] * 2000, "sampling_params": {"max_new_tokens": 1}})
    assert many.status_code == 400


def test_model_names_with_a_slash() -> None:
    """``/v1/models/org/name`` is a model's address too."""
    with running(ModelService(ServerSettings(model=DEMO, name="org/name"))) as url:
        assert httpx2.get(f"{url}/v1/models/org/name", timeout=PATIENCE_SECONDS).json()["id"] == "org/name"
        assert httpx2.get(f"{url}/v1/models/org/other", timeout=PATIENCE_SECONDS).status_code == 404


def test_cached_tokens_are_counted_prompt_by_prompt(http: httpx2.Client) -> None:
    """A prompt that nobody sent before has none, however many choices share it; two known ones have theirs each."""
    prompt = [7, 9, 11, 13] * 160
    body = {"prompt": prompt, "n": 2, "max_tokens": 1, "temperature": 0}
    first = http.post("/v1/completions", json=body).json()["usage"]
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    known = http.post("/v1/completions", json=body).json()["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert known > 0
    both = http.post("/v1/completions", json={**body, "prompt": [prompt, prompt]}).json()["usage"]
    assert both["prompt_tokens_details"]["cached_tokens"] == 2 * known
