"""Tinker's SDK: its results waited for, and what it raises in our words."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable
from typing import Any

from token_difr.endpoint.secrets import Mask
from token_difr.errors import AuthenticationError, EndpointError, EndpointUnreachableError, unimportable
from token_difr.untrusted import printable

__all__ = ["check_installed", "result_of", "tinker_error", "tinker_result"]

KEY_VARIABLE = "TINKER_API_KEY"
"""Environment variable of the SDK's own."""

LONGEST_QUOTE = 300
"""Characters of the SDK's own message that ours quote."""


def check_installed(role: str) -> None:
    """Whether the SDK is there for Tinker as ``role``.

    Raises:
        InputError: It is not; the message says how to get it.
    """
    try:
        import tinker  # noqa: F401
    except ImportError as error:
        raise unimportable(error, "tinker", f"the tinker {role}", "token-difr[tinker]") from error


async def result_of(start: Callable[[], Any], what: str) -> Any:
    """What the SDK gives for ``start()``.

    Args:
        start: Begins a request, and gives the SDK's future of it.
        what: Which request it is.

    Raises:
        EndpointError: The service failed.
    """
    import tinker

    try:
        return await tinker_result(start())
    except tinker.TinkerError as error:
        raise tinker_error(error, what) from error


async def tinker_result(future: Any) -> Any:
    """The end of what the SDK has begun: newer futures are awaited, older ones waited for in a thread."""
    return await (future if inspect.isawaitable(future) else asyncio.to_thread(future.result))


def tinker_error(error: Exception, what: str, *, key: str | None = None) -> EndpointError:
    """The token-difr error for what the SDK raised: one line. Raise it ``from error``.

    Args:
        error: Any of the SDK's exceptions.
        what: Which request it was.
        key: What must not be shown, beside the SDK's own variable.
    """
    import tinker

    mask = Mask([secret for secret in (key, os.environ.get(KEY_VARIABLE)) if secret])
    mask.clean(error)
    said = printable(" ".join(mask.error(str(error)).split()), longest=LONGEST_QUOTE)
    message = f"tinker, {what}: {said}"
    if isinstance(error, tinker.AuthenticationError | tinker.PermissionDeniedError):
        return AuthenticationError(message)
    if isinstance(error, tinker.APIConnectionError):
        return EndpointUnreachableError(message)
    return EndpointError(message)
