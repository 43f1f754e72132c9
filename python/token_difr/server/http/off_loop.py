"""Work that takes long and does not wait: in a thread of its own, so that the loop goes on answering others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["off_loop"]

_Result = TypeVar("_Result")


async def off_loop(work: Callable[..., _Result], *arguments: Any, **options: Any) -> _Result:
    """What ``work`` gives, or raises.

    A daemon thread and not one of an executor: those are joined at the end of the process, so that a shutdown would wait
    for a prompt of megabytes. Who stops waiting leaves the thread behind, and its result is dropped.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[_Result] = loop.create_future()
    place = (loop, result, work, arguments, options)
    threading.Thread(target=_run, args=place, name="token-difr-request", daemon=True).start()
    try:
        return await result
    finally:
        # An error's traceback holds this frame, and the future the error: a circle that would keep the whole body of the
        # request until the collector finds it. The same is true of the thread's frame.
        del result, place


def _run(
    loop: asyncio.AbstractEventLoop,
    result: asyncio.Future[_Result],
    work: Callable[..., _Result],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    try:
        value = work(*arguments, **options)
    except BaseException as error:  # noqa: BLE001 - handed on to who waits
        _hand_over(loop, result, None, error)
    else:
        _hand_over(loop, result, value, None)
    finally:
        del result, arguments, options


def _hand_over(
    loop: asyncio.AbstractEventLoop, result: asyncio.Future[_Result], value: _Result | None, error: BaseException | None
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, result, value, error)


def _settle(result: asyncio.Future[_Result], value: _Result | None, error: BaseException | None) -> None:
    if result.cancelled():
        return
    if error is None:
        result.set_result(value)  # type: ignore[arg-type]  # None only where the type allows it
    else:
        result.set_exception(error)
