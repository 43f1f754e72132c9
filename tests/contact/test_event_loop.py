"""Kind 3: work on the event loop, and an end that blocks.

Elsewhere: health while prompts are tokenized and templates rendered, ``tests/server/test_off_loop.py``; 60 clients at the end
of a server, ``tests/server/test_shutdown.py``.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings, listening
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.server.model.tokenizer import ModelTokenizer
from token_difr.testing.scripted_engine import ScriptedEngine

LARGE = "The list method append adds one element. " * 150_000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": LARGE}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": LARGE}]}),
        ("/generate", {"text": LARGE}),
        ("/tokenize", {"prompt": LARGE}),
    ],
)
def test_six_megabytes_are_refused_before_they_are_tokenized(
    http: httpx2.Client, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, Any]
) -> None:
    """By their bytes."""

    def encode(*_: object, **__: object) -> list[int]:
        raise AssertionError("tokenized")

    monkeypatch.setattr(ModelTokenizer, "encode", encode)
    answer = http.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_the_end_of_the_server_is_told_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work at the end of the grace: an error in OpenAI's form, and an event in a stream that is whole."""
    monkeypatch.setattr(listening, "_LAST_SECONDS", int(PATIENCE_SECONDS))
    engine = ScriptedEngine([5], ModelFolder.open(DEMO).tokenizer.size, seconds_a_token=0.05)
    service = ModelService(ServerSettings(model=DEMO, max_batch=1, grace_seconds=0.1), engine)
    answers: dict[bool, httpx2.Response] = {}

    def ask(url: str, *, stream: bool) -> None:
        body = {"prompt": "a b c", "max_tokens": 1000, "stream": stream}
        answers[stream] = httpx2.post(f"{url}/v1/completions", json=body, timeout=PATIENCE_SECONDS)

    with running(service) as url:
        asking = [threading.Thread(target=ask, args=(url,), kwargs={"stream": stream}) for stream in (False, True)]
        for thread in asking:
            thread.start()
        while service.scheduler.waiting + service.scheduler.running < 2:
            time.sleep(0.01)
    for thread in asking:
        thread.join()
    assert (answers[False].status_code, answers[False].json()["error"]["code"]) == (503, "shutting_down")
    assert '"code":"shutting_down"' in answers[True].text
    assert answers[True].text.endswith("data: [DONE]\n\n")


def test_a_second_signal_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, whatever runs."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    service = ModelService(ServerSettings(model=DEMO), ScriptedEngine([5], 2048))
    server = listening._AnnouncingServer([service], lambda: None)
    server.handle_exit(signal.SIGINT, None)
    server.handle_exit(signal.SIGINT, None)
    assert ended == [130]
