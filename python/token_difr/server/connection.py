"""One connection to a client: it has so long to send a request, and no longer."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["timed_connection"]


def timed_connection(request_seconds: float) -> type[H11Protocol]:
    """A protocol of uvicorn's that closes connections whose client sends no whole request.

    uvicorn itself closes those that are idle behind an answer; without this, one that sends a header or a body byte by
    byte, or nothing at all, would be held for ever.

    Args:
        request_seconds: From the opening of the connection, or the first byte of a later request, until its last byte.
    """
    return type("TimedConnection", (_TimedConnection,), {"request_seconds": request_seconds})


class _TimedConnection(H11Protocol):
    request_seconds: ClassVar[float]
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Starts the clock where more of a request is to come, and stops it where that is whole."""
        if self._is_whole():
            self._rest()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.request_seconds, self._give_up)

    def _is_whole(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_whole() and not self.transport.is_closing():
            self.transport.close()
