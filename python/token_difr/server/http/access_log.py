"""One log line a request: method, path, status, milliseconds, and the caller's own tag."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from token_difr.server.http.metrics import ServerMetrics

__all__ = ["AccessLog"]

_logger = logging.getLogger("token_difr.server.access")
_LONGEST_VALUE = 200


class AccessLog:
    """Logs every request when its answer is complete; ``x-request-tag`` is the caller's name for it."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and logs it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            values: dict[str, Any] = {"method": scope["method"], "path": scope["path"], "status": status}
            seconds = time.monotonic() - started
            values["ms"] = f"{1000 * seconds:.1f}"
            # A path that no route knows would make a series of its own.
            self._metrics.count_request(getattr(scope.get("route"), "path", "other"), status, seconds)
            tag = Headers(scope=scope).get("x-request-tag")
            if tag is not None:
                values["tag"] = tag
            _logger.info(" ".join(f"{name}={_shown(value)}" for name, value in values.items()))


def _shown(value: Any) -> str:
    """A value without spaces or control characters as it is, any other one quoted: a log line stays one line."""
    text = str(value)[:_LONGEST_VALUE]
    return text if text and text.isascii() and text.isprintable() and not set(text) & set(' "=') else json.dumps(text)
