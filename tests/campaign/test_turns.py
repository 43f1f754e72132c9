"""Turns: a limit for all providers, and no provider that waits for others' many requests."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from token_difr.campaign.turns import Turns
from token_difr.errors import InputError


async def test_no_more_in_flight_than_allowed_and_by_turns() -> None:
    """Who has ten requests waiting is served no more often than who has three."""
    turns, running, most, order = Turns(2), 0, 0, list[str]()

    async def ask(provider: str) -> None:
        nonlocal running, most
        async with turns.of(provider)():
            running += 1
            most = max(most, running)
            order.append(provider)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(ask("many") for _ in range(10)), *(ask("few") for _ in range(3)))

    assert most == 2
    assert sorted(order) == ["few"] * 3 + ["many"] * 10
    assert order[:8].count("few") == 3


async def test_who_gives_up_waiting_holds_no_place() -> None:
    """Cancelled before its turn, and in the moment that it was given."""
    turns = Turns(1)
    held, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with turns.of("a")():
            held.set()
            await go.wait()

    async def once() -> None:
        async with turns.of("b")():
            pass

    holding = asyncio.create_task(hold())
    await held.wait()
    early, late = asyncio.create_task(once()), asyncio.create_task(once())
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.sleep(0)
    go.set()
    await holding
    late.cancel()
    for task in (early, late):
        with suppress(asyncio.CancelledError):
            await task
    await asyncio.wait_for(once(), 60)


def test_a_limit_of_none_is_refused() -> None:
    """Nobody would ever be asked."""
    with pytest.raises(InputError):
        Turns(0)
