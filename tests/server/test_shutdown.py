"""The end of a server: what runs has its grace, and every client learns what became of its request."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings, listening
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

CLIENTS = 60


async def ask(http: httpx2.AsyncClient, number: int) -> httpx2.Response:
    """One long answer; every other one as a stream, and half of them chats."""
    body: dict[str, Any] = {"max_tokens": 1000, "stream": bool(number % 2)}
    if number % 4 < 2:
        return await http.post("/v1/completions", json={"prompt": "a b c", **body})
    return await http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}], **body})


async def _ask_until_it_ends(service: ModelService) -> list[httpx2.Response]:
    limits = httpx2.Limits(max_connections=CLIENTS)
    server = running(service)
    url = server.__enter__()
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, limits=limits) as http:
        asked = [asyncio.create_task(ask(http, number)) for number in range(CLIENTS)]
        await asyncio.to_thread(_wait_for_all, service)
        await asyncio.to_thread(server.__exit__, None, None, None)
        return await asyncio.gather(*asked)


def _wait_for_all(service: ModelService) -> None:
    while service.scheduler.waiting < CLIENTS - 1:
        time.sleep(0.01)


def test_every_client_hears_of_the_end(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """One slot, 60 clients, 1,000 tokens each: an answer, a 503 in OpenAI's form, or an error event and the end."""
    # However busy the machine is, what is abandoned can say so.
    monkeypatch.setattr(listening, "_LAST_SECONDS", int(PATIENCE_SECONDS))
    engine = ScriptedEngine([5], folder.tokenizer.size, seconds_a_token=0.05)
    service = ModelService(ServerSettings(model=DEMO, max_batch=1, grace_seconds=0.2), engine)
    answers = asyncio.run(_ask_until_it_ends(service))

    assert len(answers) == CLIENTS
    for number, answer in enumerate(answers):
        if number % 2:
            *_, last, done = answer.text.strip().split("\n\n")
            assert answer.status_code == 200
            assert '"code":"shutting_down"' in last
            assert done == "data: [DONE]"
        else:
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "shutting_down"
    assert not service.scheduler.accepting


def test_a_second_signal_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever signal it is, and whatever still runs."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    server = listening._AnnouncingServer([ModelService(ServerSettings(model=DEMO))], lambda: None)
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit
    assert not ended
    server.handle_exit(signal.SIGTERM, None)
    assert ended == [128 + signal.SIGTERM]
