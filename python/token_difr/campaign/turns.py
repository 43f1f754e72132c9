"""Whose turn it is: requests in flight are limited for all providers together, and handed out by provider, one after another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from token_difr.endpoint import check_concurrency

__all__ = ["Turns"]


class Turns:
    """A limit of requests in flight. Where requests of several providers wait, a free place goes round robin by provider.

    A queue in order of arrival would not do: who may have many requests in flight would be served as often as it asks.

    Args:
        limit: Requests in flight at most, of all providers together.

    Raises:
        InputError: ``limit`` below 1.
    """

    def __init__(self, limit: int) -> None:
        check_concurrency(limit)
        self._free = limit
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By provider, the one first whose turn is next; who has none waiting is not there."""

    def of(self, provider: str) -> Callable[[], AbstractAsyncContextManager[None]]:
        """Makes the block that a request of ``provider`` is sent inside of."""
        return partial(self._turn, provider)

    @asynccontextmanager
    async def _turn(self, provider: str) -> AsyncIterator[None]:
        await self._take(provider)
        try:
            yield
        finally:
            self._hand_on()

    async def _take(self, provider: str) -> None:
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(provider, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._hand_on()  # it was given in the same moment
            raise

    def _hand_on(self) -> None:
        """Give a place to the next provider that waits, which then stands last; else keep it."""
        while self._waiting:
            provider = next(iter(self._waiting))
            places = self._waiting.pop(provider)
            place = places.popleft()
            if places:
                self._waiting[provider] = places
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
