"""A synchronous client where an asynchronous one is asked for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

__all__ = ["awaited"]


def awaited(client: OpenAI) -> AsyncOpenAI:
    """``client`` with a ``post`` that can be awaited: each runs in a thread.

    The caller's client does all the work, so that its proxies, transports, headers, timeouts and retries hold. It has
    what references use of a client (``post``, the base URL, the key and the headers), and nothing else.
    """
    send: Any = client.post

    async def post(path: str, **request: Any) -> Any:
        return await asyncio.to_thread(send, path, **request)

    known = {"api_key": client.api_key, "base_url": client.base_url, "default_headers": client.default_headers}
    return cast("AsyncOpenAI", SimpleNamespace(**known, post=post))
