"""The transport beneath the SDK: an answer's whole time is bounded, attempts are paced, and broken answers look broken.

What is done here happens inside the SDK's own retries, so that there is one retry policy and nothing loops around it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

__all__ = ["Pace", "bounded_transport"]

Pace = Callable[[], Awaitable[None]]
"""Waits until one more attempt may be sent."""

LONGEST_ERROR = 4096
"""Bytes of an answer that may be nothing but an error."""


def bounded_transport(seconds: float, pace: Pace | None = None) -> httpx2.AsyncClient:
    """A transport that gives an answer so many seconds in all: httpx only bounds every read of a part of it.

    Args:
        seconds: For one attempt, from the request's first byte to the answer's last.
        pace: Called before every attempt, the SDK's retries among them.
    """
    import httpx2
    from openai import DefaultAsyncHttpxClient

    class Bounded(DefaultAsyncHttpxClient):
        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            if pace is not None:
                await pace()
            try:
                async with asyncio.timeout(seconds):
                    response = await super().send(request, **options)
            except TimeoutError as error:
                raise httpx2.ReadTimeout(f"no whole answer in {seconds} s", request=request) from error
            if response.status_code == httpx2.codes.OK and not options.get("stream"):
                if breaks_off(response.content):
                    raise httpx2.RemoteProtocolError("the answer breaks off", request=request)
                response.status_code = true_status(response.content)
            return response

    return Bounded(timeout=httpx2.Timeout(seconds, connect=5.0))


def breaks_off(content: bytes) -> bool:
    """Whether an answer begins as a JSON object and does not end as one: a proxy on the way lost its end."""
    text = content.strip()
    return text[:1] == b"{" and text[-1:] != b"}"


def true_status(content: bytes) -> int:
    """The HTTP status of an answer with status 200: that of the error inside, if it has one; else 200.

    OpenRouter answers so when a provider behind it fails.
    """
    if len(content) > LONGEST_ERROR or b'"error"' not in content:
        return 200
    try:
        body = json.loads(content)
    except ValueError:
        return 200
    error = body.get("error") if isinstance(body, dict) and "choices" not in body else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if type(code) is int and 400 <= code < 600 else 200
