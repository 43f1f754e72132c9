"""Tinker's sampling client, opened and closed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from token_difr.endpoint.keys import secret_from
from token_difr.endpoint.secrets import Mask
from token_difr.errors import InputError
from token_difr.tinker.sdk import check_installed, tinker_error

__all__ = ["sampling_client"]

CLOSING_SECONDS = 30.0


def _key(api_key: str | None, key_variable: str | None) -> str | None:
    """The key, where the SDK is not to find it by itself."""
    if api_key is not None or key_variable is None:
        return api_key
    return secret_from(key_variable, "tinker's key")


@asynccontextmanager
async def sampling_client(
    model: str, *, api_key: str | None = None, key_variable: str | None = None
) -> AsyncIterator[Any]:
    """A sampling client of the SDK. The SDK's own variables hold, ``TINKER_BASE_URL`` among them.

    Args:
        model: A base model, or a ``tinker://`` path of trained weights.
        api_key: The key; None = from the environment.
        key_variable: Environment variable that holds it; None = the SDK's own.

    Raises:
        InputError: The SDK is not installed, or there is no key.
    """
    check_installed("provider")
    import tinker

    key = _key(api_key, key_variable)

    def opened() -> tuple[Any, Any]:
        service = tinker.ServiceClient(api_key=key)
        name = "model_path" if model.startswith("tinker://") else "base_model"
        made: Any = service.create_sampling_client(**{name: model})
        return service, made.result() if hasattr(type(made), "result") else made

    try:
        service, client = await asyncio.to_thread(opened)  # it waits for the service
    except tinker.TinkerError as error:
        raise tinker_error(error, f"model {model}", key=key) from error
    except ValueError as error:
        raise InputError(f"tinker: {Mask([key] if key else []).error(str(error))}") from None
    try:
        yield client
    finally:
        with contextlib.suppress(TimeoutError, concurrent.futures.TimeoutError):  # the samples are here all the same
            await asyncio.to_thread(service.close("success").result, CLOSING_SECONDS)
