"""Tinker's sampling client, opened and closed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from token_difr.errors import InputError
from token_difr.rollouts.config import Config
from token_difr.tinker.sdk import tinker_error

__all__ = ["sampling_client"]

CLOSING_SECONDS = 30.0


def _key(config: Config) -> str | None:
    """The key, where the SDK is not to find it by itself."""
    if config.api_key is not None or config.key_variable is None:
        return config.api_key
    key = os.environ.get(config.key_variable, "").strip()
    if not key:
        raise InputError(f"the environment variable {config.key_variable}, which should hold tinker's key, is not set")
    return key


@asynccontextmanager
async def sampling_client(config: Config) -> AsyncIterator[Any]:
    """A sampling client of the SDK for ``config.model``: a base model, or a ``tinker://`` path of trained weights.

    The SDK's own variables hold, ``TINKER_BASE_URL`` among them.

    Raises:
        InputError: The SDK is not installed, or there is no key.
    """
    try:
        import tinker
    except ImportError as error:
        raise InputError("the tinker provider needs the SDK: pip install 'token-difr[tinker]'") from error

    def opened() -> tuple[Any, Any]:
        service = tinker.ServiceClient(api_key=_key(config))
        name = "model_path" if config.model.startswith("tinker://") else "base_model"
        made: Any = service.create_sampling_client(**{name: config.model})
        return service, made.result() if hasattr(type(made), "result") else made

    try:
        service, client = await asyncio.to_thread(opened)  # it waits for the service
    except tinker.TinkerError as error:
        raise tinker_error(error, f"model {config.model}") from error
    except ValueError as error:
        raise InputError(f"tinker: {error}") from error
    try:
        yield client
    finally:
        with contextlib.suppress(TimeoutError, concurrent.futures.TimeoutError):  # the samples are here all the same
            await asyncio.to_thread(service.close("success").result, CLOSING_SECONDS)
