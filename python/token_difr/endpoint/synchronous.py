"""Asynchronous work from synchronous code."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

__all__ = ["blocking", "run_blocking"]

P = ParamSpec("P")
T = TypeVar("T")


def blocking(function: Callable[P, Coroutine[Any, Any, T]], name: str) -> Callable[P, T]:
    """The synchronous twin of ``function``, called ``name``; works inside a running event loop too."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_blocking(lambda: function(*args, **kwargs))

    call.__name__ = call.__qualname__ = name
    return call


def run_blocking(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work()`` to its end and return its result, also where this thread already runs an event loop.

    In that case (a notebook, an ``async def`` test) the work gets a thread with a loop of its own. Ctrl-C cancels the
    work in both cases and is raised here once it has stopped.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    return _run_in_thread(work)


def _run_in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    result: Future[T] = Future()
    started: Future[Callable[[], object]] = Future()

    async def supervised() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio.run always makes one
        started.set_result(lambda: loop.call_soon_threadsafe(task.cancel))
        return await work()

    def target() -> None:
        try:
            result.set_result(asyncio.run(supervised()))
        except BaseException as error:  # noqa: BLE001  # handed to the waiting thread, which raises it
            result.set_exception(error)

    thread = threading.Thread(target=target, name="token-difr-blocking")
    thread.start()
    try:
        return result.result()
    except KeyboardInterrupt:
        if not result.done():
            started.result()()
        raise
    finally:
        thread.join()
