"""One server on the demo model for all tests of this folder, and what a test may ask it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from demo_folder import folder, questions
from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder
from token_difr.testing.scripted_engine import ScriptedEngine

__all__ = ["client", "folder", "http", "questions", "talking", "url"]


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Base URL of a running server on the demo model."""
    with running(ModelService(ServerSettings(model=DEMO))) as address:
        yield address


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[OpenAI]:
    """The openai SDK on that server, without retries: a failure is to be seen."""
    with OpenAI(base_url=f"{url}/v1", api_key="EMPTY", max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="session")
def http(url: str) -> Iterator[httpx2.Client]:
    """Plain HTTP on that server, for what the SDK does not type."""
    with httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as plain:
        yield plain


@pytest.fixture(scope="session")
def talking(folder: ModelFolder) -> Callable[..., AbstractContextManager[OpenAI]]:
    """Makes servers whose model says one text and then ends."""

    @contextmanager
    def talk(
        text: str, *, seconds_a_token: float = 0.0, fail_at: int | None = None, **settings: Any
    ) -> Iterator[OpenAI]:
        script = [*folder.tokenizer.encode(text, add_special_tokens=False), *folder.end_token_ids]
        engine = ScriptedEngine(script, folder.tokenizer.size, seconds_a_token=seconds_a_token, fail_at=fail_at)
        service = ModelService(ServerSettings(model=DEMO, **settings), engine)
        with running(service) as address, OpenAI(base_url=f"{address}/v1", api_key="EMPTY", max_retries=0) as sdk:
            yield sdk

    return talk
