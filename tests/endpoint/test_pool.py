"""Many requests at a time: bounded, and no answer is lost to another's failure."""

from __future__ import annotations

import asyncio

import pytest

from token_difr.endpoint import ask_all, ask_each, run_blocking
from token_difr.errors import AnswerError, AuthenticationError, InputError


def test_bounded() -> None:
    """Never more than ``concurrency`` at a time, each index once."""
    active = most = 0
    asked = []

    async def ask(index: int) -> None:
        nonlocal active, most
        active += 1
        most = max(most, active)
        await asyncio.sleep(0)
        asked.append(index)
        active -= 1

    asyncio.run(ask_all(range(20), ask, concurrency=3, label="", progress=False))
    assert most == 3
    assert sorted(asked) == list(range(20))


def test_single_failures_wait_for_the_others() -> None:
    """Failed requests are told of once all others are done: how many, and why the first."""
    done = []

    async def ask(index: int) -> None:
        if index in {2, 5}:
            raise AnswerError(f"no {index}")
        done.append(index)

    with pytest.raises(AnswerError, match="2 of 8 requests failed, the first because: no 2"):
        asyncio.run(ask_all(range(8), ask, concurrency=2, label="", progress=False))
    assert done == [0, 1, 3, 4, 6, 7]


@pytest.mark.parametrize("concurrency", [1, 2, 6])
def test_failure_of_the_first_ones_is_taken_for_all(concurrency: int) -> None:
    """Where the first requests all fail, only those in flight come to an end, and the message says so."""
    started = []

    async def ask(index: int) -> None:
        started.append(index)
        await asyncio.sleep(0)
        raise AnswerError(f"no {index}?!")

    with pytest.raises(AnswerError) as caught:
        asyncio.run(ask_all(range(100), ask, concurrency=concurrency, label="", progress=False))
    sent, first = len(started), max(concurrency, 4)
    assert first <= sent < first + concurrency
    assert str(caught.value).startswith(
        f"{sent} of 100 requests failed, the first because: no 0. The other {100 - sent} were not sent; once"
    )
    assert str(caught.value.__cause__) == "no 0?!"


def test_one_answer_among_the_first_keeps_going() -> None:
    """One of the first requests that succeeds, however late, is reason to send all."""
    asked = []

    async def ask(index: int) -> None:
        asked.append(index)
        if index == 1:
            await asyncio.sleep(0.01)
            return
        raise AnswerError("no")

    with pytest.raises(AnswerError, match=r"19 of 20 requests failed, the first because: no\. What was"):
        asyncio.run(ask_all(range(20), ask, concurrency=4, label="", progress=False))
    assert sorted(asked) == list(range(20))


def test_fatal_failure_stops_at_once() -> None:
    """An error that all would meet ends the work and abandons what is in flight."""
    started = []

    async def ask(index: int) -> None:
        started.append(index)
        if index == 1:
            raise AuthenticationError("no")
        await asyncio.sleep(3600)

    with pytest.raises(AuthenticationError, match=r"^no$"):
        asyncio.run(ask_all(range(100), ask, concurrency=4, label="", progress=False))
    assert started == [0, 1, 2, 3]


def test_one_loop_for_any_items() -> None:
    """Whoever keeps failures itself is asked before each item whether to go on, and told how many were left."""
    done = []

    async def ask(item: str) -> None:
        done.append(item)

    asking = ask_each("abcdef", ask, concurrency=2, label="", progress=False, goes_on=lambda: len(done) < 4)
    assert asyncio.run(asking) == 2
    assert done == list("abcd")


def test_nothing_to_ask() -> None:
    """No indices, no work; a concurrency of 0 is an error."""

    async def ask(index: int) -> None:
        raise AssertionError(index)

    asyncio.run(ask_all([], ask, concurrency=1, label="", progress=False))
    with pytest.raises(InputError, match="concurrency"):
        asyncio.run(ask_all([1], ask, concurrency=0, label="", progress=False))


def test_blocking_inside_a_running_loop() -> None:
    """Synchronous code gets its result with and without a running event loop, and errors as they are."""

    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    async def fail() -> int:
        raise AnswerError("no")

    async def inside() -> int:
        with pytest.raises(AnswerError, match="no"):
            run_blocking(fail)
        return run_blocking(work)

    assert run_blocking(work) == 7
    assert asyncio.run(inside()) == 7
    with pytest.raises(AnswerError, match="no"):
        run_blocking(fail)


def test_lines_of_progress_in_a_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where standard error is no terminal, a line every so often says how far it is; none where progress is not wanted."""
    monkeypatch.setattr("token_difr.endpoint.pool.SECONDS_A_LINE", 0.001)

    async def work(*, progress: bool) -> None:
        told = asyncio.Event()

        async def ask(index: int) -> None:
            if index == 2:
                await told.wait()

        asking = asyncio.create_task(ask_all(range(3), ask, concurrency=3, label="collect", progress=progress))
        await asyncio.sleep(0.05)
        told.set()
        await asking

    asyncio.run(work(progress=False))
    assert capsys.readouterr().err == ""
    asyncio.run(work(progress=True))
    assert set(capsys.readouterr().err.splitlines()) == {"collect: 2 of 3"}
