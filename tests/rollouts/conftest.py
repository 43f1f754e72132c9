"""A provider that answers as it should, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from token_difr.rollouts import RolloutsClient
from token_difr.testing.faulty_provider import FaultyProvider, faulty_provider


@pytest.fixture
def provider() -> Iterator[FaultyProvider]:
    """An honest provider."""
    with faulty_provider(share=0.0) as running:
        yield running


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., RolloutsClient]]:
    """Makes clients of a URL with a cache of the test's own."""
    made: list[RolloutsClient] = []

    def make(url: str, model: str = "m", **options: Any) -> RolloutsClient:
        settings = {"cache_dir": tmp_path / "cache", "max_retries": 0, "progress_bar": False, **options}
        made.append(RolloutsClient(model, provider=url, **settings))
        return made[-1]

    yield make
    for client in made:
        client.close()
