"""Bodies that are small on the way and large in memory, bodies without an end, and many of them at once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr import _core
from token_difr.server import ModelService, ServerSettings
from token_difr.server.answers.requests.limits import LONGEST_TEXT
from token_difr.server.http import json_bodies
from token_difr.server.http.body_parts import MOST_OBJECTS, MOST_VALUES
from token_difr.server.http.field_errors import field_error
from token_difr.server.http.guard import BODIES_HELD
from token_difr.server.http.off_loop import off_loop
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

JSON = {"content-type": "application/json"}
LARGEST = 10_000

SMALL_ON_THE_WAY = {
    "objects": ("/v1/completions", b'{"prompt": [' + b"{}," * MOST_OBJECTS + b"5]}", "texts, names, lists and objects"),
    "lists": (
        "/v1/completions",
        b'{"prompt": [' + b"[5]," * MOST_OBJECTS + b"[5]]}",
        "texts, names, lists and objects",
    ),
    "texts": ("/tokenize", b'{"prompt": [' + b'"",' * MOST_OBJECTS + b'""]}', "texts, names, lists and objects"),
    "numbers": ("/v1/completions", b'{"prompt": [' + b"5," * (MOST_VALUES + 1) + b"5]}", "values"),
    "fields": ("/v1/completions", b"{%s}" % b",".join(b'"k%d":0' % n for n in range(300)), "holds 300 elements"),
    "a long text": ("/tokenize", b'{"prompt": "' + b"a " * LONGEST_TEXT + b'"}', "send it in parts"),
    "a long message": (
        "/tokenize",
        b'{"messages": [{"role": "user", "content": "' + b"a " * LONGEST_TEXT + b'"}]}',
        "send it in parts",
    ),
    "a long word": ("/v1/completions", b'{"prompt": "a", "bad_words": ["' + b"x" * 2000 + b'"]}', "1024 characters"),
}


@pytest.mark.parametrize("name", SMALL_ON_THE_WAY)
def test_what_would_be_large_is_refused(http: httpx2.Client, name: str) -> None:
    """Before it is built, with the number and the limit."""
    path, body, words = SMALL_ON_THE_WAY[name]
    answer = http.post(path, content=body, headers=JSON)
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_texts_may_hold_any_signs(http: httpx2.Client) -> None:
    """Brackets, commas and quotes of a text are no parts of the body."""
    text = '[{"a": "b,"}],' * 10_000
    answer = http.post("/tokenize", json={"prompt": text})
    assert answer.status_code == 200
    assert _core.json_parts(answer.request.content) == (3, 0)


def test_only_the_first_fault_is_told(http: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of wrong elements is one error, not one for each."""
    counts: list[int] = []

    def told(errors: Any) -> Any:
        counts.append(len(errors))
        return field_error(errors)

    monkeypatch.setattr(json_bodies, "field_error", told)
    bodies: list[dict[str, Any]] = [
        {"prompt": ["a", *[5] * 9]},
        {"prompt": [5, *[-1] * 9]},
        {"prompt": "a", "stop_token_ids": [-1] * 9},
        {"prompt": "a", "bad_words": [5] * 9},
    ]
    for body in bodies:
        assert http.post("/v1/completions", json=body).status_code == 400
    assert http.post("/v1/chat/completions", json={"messages": [5] * 9}).status_code == 400
    assert counts == [1] * 5


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_encoded_bodies_are_not_opened(http: httpx2.Client, encoding: str) -> None:
    """415 with the encoding, whatever is inside."""
    content = gzip.compress(b" " * 10**6)
    answer = http.post("/v1/completions", content=content, headers={**JSON, "content-encoding": encoding})
    assert answer.status_code == 415
    assert encoding in answer.json()["error"]["message"]
    same = {"content": b'{"prompt": "a", "max_tokens": 1}', "headers": {**JSON, "content-encoding": "identity"}}
    assert http.post("/v1/completions", **same).status_code == 200  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    """A server that takes small bodies."""
    with running(ModelService(ServerSettings(model=DEMO, max_body_bytes=LARGEST))) as url:
        yield url


def begun(url: str, size: int) -> socket.socket:
    """A connection that has sent ``size`` bytes of a body and owes the rest."""
    place = urlsplit(url)
    client = socket.create_connection((place.hostname, place.port), timeout=PATIENCE_SECONDS)
    head = "POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    client.sendall(head.encode() + f"{size:x}\r\n".encode() + b" " * size + b"\r\n")
    return client


def test_a_body_without_an_end(small: str) -> None:
    """It is refused as soon as it is longer than a body may be."""
    with begun(small, LARGEST + 1) as client:
        assert b" 413 " in client.recv(4096)


def test_all_bodies_together_are_bounded(small: str) -> None:
    """What is too much for the moment is told to come again, and what was held is free again."""
    with httpx2.Client(base_url=small, timeout=PATIENCE_SECONDS) as http:
        half_sent = [begun(small, LARGEST) for _ in range(BODIES_HELD)]
        body = {"prompt": "a", "max_tokens": 1}
        while (full := http.post("/v1/completions", json=body)).status_code == 200:
            pass
        assert (full.status_code, full.headers["retry-after"]) == (503, "1")
        assert full.json()["error"]["code"] == "overloaded"
        for client in half_sent:
            client.close()
        while http.post("/v1/completions", json=body).status_code != 200:
            pass


async def test_an_error_holds_nothing_of_its_request() -> None:
    """No circle of frames, futures and errors: it goes with its last reader, without the collector."""

    class Held:
        pass

    def work(held: Held) -> None:
        raise ValueError(repr(held))

    async def asked() -> weakref.ref[Held]:
        held = Held()
        seen = weakref.ref(held)
        with contextlib.suppress(ValueError):  # pytest's own way keeps the error
            await off_loop(work, held)
        return seen

    gc.collect()
    gc.disable()
    try:
        seen = await asked()
        for thread in threading.enumerate():
            if thread.name == "token-difr-request":
                thread.join()
        await asyncio.sleep(0)  # the loop lets go of what it has just called
        assert seen() is None
    finally:
        gc.enable()
