"""The header ``x-request-id``: the caller's own name for a request, or a fresh one, comes back with every answer."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestId"]

_HEADER = "x-request-id"
_PLAIN = re.compile(r"[!-~]{1,200}")


class RequestId:
    """Names every request; a name that is not plain ASCII of at most 200 characters is not repeated."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and puts the header on its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_HEADER, "")
        name = given if _PLAIN.fullmatch(given) else uuid.uuid4().hex

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_HEADER] = name
            await send(message)

        await self._app(scope, receive, named)
