"""The transport beneath the SDK: answers are bounded in time and bytes, attempts are paced, and failures look like failures.

What is done here happens inside the SDK's own retries, so that there is one retry policy and nothing loops around it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from token_difr.endpoint.bodies import MAX_ANSWER_MB, Bodies, TooLargeError
from token_difr.endpoint.inside import breaks_off, failure_inside
from token_difr.endpoint.proxies import proxy_of, shown_proxy
from token_difr.errors import InputError

if TYPE_CHECKING:
    import httpx2

__all__ = ["FAILURE", "PROXY", "Pace", "RedirectedError", "bounded_transport"]

Pace = Callable[[], Awaitable[None]]
"""Waits until one more attempt may be sent."""

FAILURE, PROXY = "token_difr.failure", "token_difr.proxy"
"""Extensions of a response: what its body says went wrong, though its status was 200; the proxy that it came through."""


class RedirectedError(Exception):
    """An answer that names another URL, as all others of the endpoint would."""


def bounded_transport(
    seconds: float,
    pace: Pace | None = None,
    *,
    url: SplitResult | None = None,
    max_answer_mb: float = MAX_ANSWER_MB,
) -> httpx2.AsyncClient:
    """A transport that gives an answer so many seconds and bytes in all: httpx only bounds every read of a part of it.

    Redirects are not followed: key and headers belong to the host that they were given for. What no retry mends is raised
    as an error of the SDK, which hands it on at once.

    Args:
        seconds: For one attempt, from the request's first byte to the answer's last.
        pace: Called before every attempt, the SDK's retries among them.
        url: The base URL, which chooses the proxy of the environment; None = no proxy.
        max_answer_mb: Megabytes of one answer, decompressed.

    Raises:
        InputError: The environment's proxy cannot be used.
    """
    import httpx2
    import openai

    proxy = None if url is None else proxy_of(url)
    way = "" if proxy is None else f"through the proxy {shown_proxy(proxy)}, which the environment names: "
    bodies = Bodies(max_answer_mb)

    class Bounded(openai.DefaultAsyncHttpxClient):
        async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
            if pace is not None:
                await pace()
            try:
                async with asyncio.timeout(seconds):
                    response = await super().send(request, stream=True, **{**options, "follow_redirects": False})
                    content = b"" if stream or response.has_redirect_location else await bodies.read(response)
            except TimeoutError as error:
                raise httpx2.ReadTimeout(f"{way}no whole answer in {seconds:g} s", request=request) from error
            except TooLargeError as error:
                raise openai.OpenAIError(
                    f"the answer has more than {max_answer_mb:g} MB, and was not read to its end: is the URL right? "
                    "Larger ones are read with a higher --max-answer-mb, or max_answer_mb="
                ) from error
            except httpx2.TransportError as error:
                if way and not isinstance(error, httpx2.LocalProtocolError):
                    raise type(error)(f"{way}{error}", request=request) from error
                raise
            if response.has_redirect_location:
                await response.aclose()
                raise openai.OpenAIError(_redirected(request, response)) from RedirectedError()
            return response if stream else _read(response, content, proxy)

    return _opened(Bounded, seconds, proxy)


def _opened(kind: type[httpx2.AsyncClient], seconds: float, proxy: str | None) -> httpx2.AsyncClient:
    """A transport with one way for all URLs, whatever httpx would make of the environment: one place decides on proxies.

    Raises:
        InputError: The proxy cannot be used.
    """
    import httpx2

    none: dict[str, Any] = {"mounts": dict.fromkeys(("http://", "https://", "all://"))}
    ways = none if proxy is None else {"proxy": proxy}
    try:
        trusted = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return kind(timeout=httpx2.Timeout(seconds, connect=5.0), follow_redirects=False, verify=trusted, **ways)
    except (
        ValueError,
        httpx2.InvalidURL,
        ImportError,
    ) as error:  # a scheme that is no proxy's; SOCKS without its package
        reason = "it needs the package socksio" if isinstance(error, ImportError) else "it is no URL of a proxy"
        raise InputError(
            f"cannot use the proxy {shown_proxy(proxy or '')}, which the environment names: {reason}"
        ) from None


@lru_cache(maxsize=4)
def _trusted(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The certificates that httpx would trust, read once for what the environment names: reading takes longer than a request."""
    import httpx2

    return httpx2.create_ssl_context()


def _read(response: httpx2.Response, content: bytes, proxy: str | None) -> httpx2.Response:
    """The response with its whole body, and with the status of the failure inside.

    Raises:
        RemoteProtocolError: The body breaks off.
    """
    import httpx2

    extensions = {name: value for name, value in response.extensions.items() if name == "http_version"}
    if proxy is not None:
        extensions[PROXY] = shown_proxy(proxy)
    status = response.status_code
    if status == httpx2.codes.OK:
        if breaks_off(content):
            raise httpx2.RemoteProtocolError("the answer breaks off", request=response.request)
        failure = failure_inside(content)
        if failure is not None:
            status, extensions[FAILURE] = failure.status, failure.text
    # The body is decompressed by now.
    left_out = {"content-encoding", "content-length", "transfer-encoding"}
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in left_out]
    return httpx2.Response(status, headers=headers, content=content, request=response.request, extensions=extensions)


def _redirected(request: httpx2.Request, response: httpx2.Response) -> str:
    parts = urlsplit(str(request.url.join(response.headers["location"])))
    there = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return (
        f"HTTP {response.status_code} redirects to {there}, where nothing was sent: if you trust that host with the key "
        "and the prompts, give its base URL"
    )
