"""Ceilings: requests in flight; across threads and event loops also requests a minute, and money."""

from __future__ import annotations

import asyncio
import threading
import time

from token_difr.errors import LimitError

__all__ = ["Budget", "RatePace", "Slots"]

LOOK_AGAIN = 0.02
"""Seconds until a request that waits for money looks again."""


class Slots:
    """Requests in flight in one event loop.

    Args:
        concurrency: At most so many.
    """

    def __init__(self, concurrency: int) -> None:
        self._free = asyncio.Semaphore(concurrency)
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> None:
        """Wait for a free one."""
        await self._free.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._free.release()

    async def turn(self) -> None:
        """One a turn of the loop: to build a request takes a millisecond, and many at once would block all else."""
        async with self._turn:
            await asyncio.sleep(0)


class RatePace:
    """Lets attempts through at an even pace.

    Args:
        per_minute: So many.
    """

    def __init__(self, per_minute: float) -> None:
        self._gap = 60.0 / per_minute
        self._next = 0.0
        self._lock = threading.Lock()

    async def __call__(self) -> None:
        """Wait for the next turn. No lock is held meanwhile, so that loops do not wait for one another."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._gap
        await asyncio.sleep(turn - time.monotonic())


class Budget:
    """Money that is not exceeded: every request reserves what it may cost at most, and gives back what it did not.

    Args:
        ceiling_usd: All requests together; None = no ceiling.
        above: A budget that this one is a part of: what is spent here is spent there too.
    """

    def __init__(self, ceiling_usd: float | None, above: Budget | None = None) -> None:
        self.ceiling_usd = ceiling_usd
        self._above = above
        self.spent_usd = 0.0
        """By the answers' ``usage`` so far."""
        self._reserved = 0.0
        self._lock = threading.Lock()

    async def reserve(self, most_usd: float) -> None:
        """Wait until ``most_usd`` are free.

        Raises:
            LimitError: They will never be: what is spent, with nothing in flight, leaves less.
        """
        if self._above is not None:
            await self._above.reserve(most_usd)
        try:
            while not self._try(most_usd):  # noqa: ASYNC110  # an event would belong to one loop
                await asyncio.sleep(LOOK_AGAIN)
        except BaseException:
            if self._above is not None:
                self._above.settle(most_usd, 0.0)
            raise

    def settle(self, most_usd: float, cost_usd: float) -> None:
        """A request that reserved ``most_usd`` is over, and has cost ``cost_usd``."""
        with self._lock:
            self._reserved -= most_usd
            self.spent_usd += cost_usd
        if self._above is not None:
            self._above.settle(most_usd, cost_usd)

    def _try(self, most_usd: float) -> bool:
        with self._lock:
            if self.ceiling_usd is None or self.spent_usd + self._reserved + most_usd <= self.ceiling_usd + 1e-12:
                self._reserved += most_usd
                return True
            if self._reserved <= 1e-12:
                raise LimitError(
                    f"max_cost_usd={self.ceiling_usd:g} is reached: {self.spent_usd:.6f} USD are spent, and one more "
                    f"request may cost {most_usd:.6f}"
                )
            return False
