"""What stands before the routes: the key, the size of bodies, and deliberate faults."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from token_difr.server.answers.requests.error import ApiError
from token_difr.server.http.errors import error_response

__all__ = ["ApiKeyGuard", "BodyLimit", "FaultInjector"]

_logger = logging.getLogger("token_difr.server")
BODIES_HELD = 2
"""The bodies of all requests in work may be as large together as so many of the largest."""
_OPEN_PATHS = ("/health", "/health/live", "/health/ready")


class ApiKeyGuard:
    """Lets in what carries the key as bearer token; health checks need none."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 401 or passes the request on."""
        if scope["type"] == "http" and scope["path"] not in _OPEN_PATHS:
            # RFC 9110: the name of a scheme has no case.
            scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
            is_right = hmac.compare_digest(given.strip().encode("latin-1"), self._expected)
            if not is_right or scheme.lower() != "bearer":
                message = "Incorrect API key provided: send 'Authorization: Bearer KEY'."
                error = ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies above a size, whether they announce it or not, and what would be too much together.

    The bytes of a request count until it is answered: its texts are held as long.
    """

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self._app = app
        self._largest = largest
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 413 or 503, or passes the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._largest:
            error = ApiError(413, self._message, code="body_too_large")
            await error_response(error)(scope, receive, send)
            return
        body = _HeldBody(receive)
        try:
            await self._app(scope, self._counting(body), send)
        finally:
            self._held -= body.size

    @property
    def _message(self) -> str:
        return f"The body is larger than the {self._largest} bytes that this server takes."

    def _counting(self, body: _HeldBody) -> Callable[[], Awaitable[Message]]:
        async def counted() -> Message:
            message = await body.receive()
            size = len(message.get("body", b""))
            body.size += size
            self._held += size
            if body.size > self._largest:
                raise HTTPException(413, self._message)
            if self._held > BODIES_HELD * self._largest:
                message_of_all = "The bodies of all requests together are more than this server holds; try again later."
                raise ApiError(503, message_of_all, code="overloaded", headers={"Retry-After": "1"})
            return message

        return counted


@dataclass
class _HeldBody:
    """A body that is being read.

    Attributes:
        receive: Gives its next part.
        size: Bytes so far.
    """

    receive: Receive
    size: int = 0


class FaultInjector:
    """Fails a share of the requests, by turns with 500, 503, 429 and a connection that breaks in the answer."""

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self._app = app
        self._rate = rate
        self._generator = np.random.default_rng(0)
        self._turn = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Fails the request or passes it on; health checks never fail."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS or self._generator.random() >= self._rate:
            await self._app(scope, receive, send)
            return
        turn, self._turn = self._turn % 4, self._turn + 1
        _logger.info("a fault on purpose, kind %d", turn)
        if turn == 3:
            # An answer that promises more than it brings: the server closes the connection.
            headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"id":', "more_body": True})
            return
        status = (500, 503, 429)[turn]
        error = ApiError(status, "A fault that this server makes on purpose.", headers={"Retry-After": "0"})
        await error_response(error)(scope, receive, send)
