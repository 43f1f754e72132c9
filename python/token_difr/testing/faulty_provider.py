"""A chat provider behind a bad proxy: some requests are refused, cut off, dropped or never answered, by a seed.

It answers the question itself, so that a test knows every answer that it should get, and counts what it answered. Its
listing of models has one, "m", with prices.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["FAULTS", "FaultyProvider", "faulty_provider", "honest_text"]

FAULTS = (
    "429",
    "429 with Retry-After",
    "500",
    "502",
    "truncated JSON",
    "200 with an error",
    "dropped",
    "stalled",
)
"""What the proxy does instead of answering, all equally often."""

RETRY_AFTER_SECONDS = 0.05
PHRASES = {200: "OK", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway"}


def honest_text(body: dict[str, Any]) -> str:
    """The answer to a request: it names the question and the seed."""
    return f"answer {body.get('seed')} to: {body['messages'][-1]['content']}"


@dataclass
class FaultyProvider:
    """What a bad proxy does, and what went through it.

    Attributes:
        share: Of requests that meet a fault, in [0, 1].
        seed: Of the faults.
        faults: Which of :data:`FAULTS` there are.
        stall_seconds: How long a stalled connection stays open.
        delay_seconds: Until an answer.
        url: The base URL, once it runs.
        asked: How often each (question, seed) came.
        answered: How often each was answered in full.
        met: How often each fault was met.
    """

    share: float = 0.2
    seed: int = 0
    faults: Sequence[str] = FAULTS
    stall_seconds: float = 5.0
    delay_seconds: float = 0.0
    url: str = ""
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._serve_one(reader, writer):
                    pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; False where the connection ends with it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if head.startswith("GET"):
            await _write(
                writer, 200, {"data": [{"id": "m", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]}
            )
            return True
        lengths = [line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        body = json.loads(await reader.readexactly(int(lengths[0]))) if lengths else {}
        name = (str(body.get("messages", [{}])[-1].get("content")), int(body.get("seed") or 0))
        self.asked[name] += 1
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self._rng.random() < self.share:
            fault = str(self._rng.choice(np.array(self.faults)))
            self.met[fault] += 1
            return await self._misbehave(fault, body, writer)
        await _write(writer, 200, _answer(body))
        self.answered[name] += 1
        return True

    async def _misbehave(self, fault: str, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        if fault == "dropped":
            return False
        if fault == "stalled":
            await asyncio.sleep(self.stall_seconds)
            return False
        if fault == "truncated JSON":
            whole = json.dumps(_answer(body)).encode()
            await _write(writer, 200, whole[: len(whole) // 2])
        elif fault == "200 with an error":
            await _write(writer, 200, {"error": {"code": 502, "message": "a provider behind the router failed"}})
        else:
            retry = RETRY_AFTER_SECONDS if fault.endswith("Retry-After") else None
            await _write(writer, int(fault[:3]), {"error": {"message": f"made up: {fault}"}}, retry_after=retry)
        return True


@contextmanager
def faulty_provider(**options: Any) -> Iterator[FaultyProvider]:
    """Runs a :class:`FaultyProvider` in a thread of its own for as long as the block lasts."""
    provider = FaultyProvider(**options)
    started, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        server = await asyncio.start_server(provider.serve, "127.0.0.1", 0, backlog=1024)
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        async with server:
            await stop.wait()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    started.wait()
    try:
        yield provider
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


def _answer(body: dict[str, Any]) -> dict[str, Any]:
    text = honest_text(body)
    return {
        "id": "chatcmpl-made-up",
        "object": "chat.completion",
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": len(text), "total_tokens": 7 + len(text)},
    }


async def _write(
    writer: asyncio.StreamWriter, status: int, content: bytes | dict[str, Any], *, retry_after: float | None = None
) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    retry = "" if retry_after is None else f"retry-after: {retry_after}\r\n"
    head = f"HTTP/1.1 {status} {PHRASES[status]}\r\ncontent-type: application/json\r\n{retry}"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
