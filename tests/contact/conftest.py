"""One server, one finished audit and one endpoint that writes bytes, for all cases of this folder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr.demo_model import MODEL_FOLDER
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

RunCli = Callable[..., tuple[int, str, str]]
Raw = Callable[[bytes], AbstractAsyncContextManager[tuple[str, list[bytes]]]]
Saying = Callable[..., contextlib.AbstractContextManager[httpx2.Client]]


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    """Plain HTTP to the demo model."""
    with (
        running(ModelService(ServerSettings(model=DEMO))) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def saying() -> Saying:
    """Makes servers whose model says one text and then ends."""
    folder = ModelFolder.open(MODEL_FOLDER)

    @contextlib.contextmanager
    def serve(text: str, *, seconds_a_token: float = 0.0, **settings: Any) -> Iterator[httpx2.Client]:
        script = [*folder.tokenizer.encode(text, add_special_tokens=False), *folder.end_token_ids]
        engine = ScriptedEngine(script, folder.tokenizer.size, seconds_a_token=seconds_a_token)
        service = ModelService(ServerSettings(model=DEMO, **settings), engine)
        with running(service) as url, httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
            yield client

    return serve


@pytest.fixture(scope="session")
def raw() -> Raw:
    """Makes endpoints that write the same bytes to everybody: the URL, and the heads of the requests that came."""

    @contextlib.asynccontextmanager
    async def answering(content: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
        seen: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                seen.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(content)
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen

    return answering


@pytest.fixture
def run_cli(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunCli:
    """The same, in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return run_cli


@pytest.fixture
def command(endpoint: Any, tmp_path: Path) -> list[object]:
    """An audit of two prompts with the fake endpoint as both sides, as arguments of the command line."""
    (tmp_path / "prompts.txt").write_text("why?\nhow?\n")
    sides = ["--provider", endpoint.url, "--reference", endpoint.url, "--model", "m", "--tokenizer", "demo"]
    return ["audit", *sides, "--prompts", tmp_path / "prompts.txt", "--out", tmp_path / "run", "--max-retries", 0]
