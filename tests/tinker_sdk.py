"""Tinker's real SDK, connected to the stand-in service and closed again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

from patience import PATIENCE_SECONDS
from token_difr.testing.loopback import serving
from token_difr.testing.tinker_service import TinkerService

leaves_connections = (
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
)
"""Marks of tests that use the SDK, which leaves some connections to the garbage collector."""


@contextmanager
def tinker_sampling(service: TinkerService) -> Iterator[Any]:
    """What the SDK's ``create_sampling_client`` gives: a client, or with newer SDKs the future of one."""
    with tinker_connected(service) as client:
        yield client.create_sampling_client(base_model="demo")


@contextmanager
def tinker_connected(service: TinkerService) -> Iterator[Any]:
    """The SDK's ``ServiceClient``. No telemetry."""
    tinker = pytest.importorskip("tinker")
    with mock.patch.dict("os.environ", {"TINKER_TELEMETRY": "0"}), serving(service) as url:
        client = tinker.ServiceClient(base_url=url, api_key="tml-not-a-key")
        try:
            yield client
        finally:
            client.close("success").result(timeout=PATIENCE_SECONDS)  # else its connections outlive the test
            del client
            gc.collect()  # what the SDK leaves to the collector shows here, and not in another test
