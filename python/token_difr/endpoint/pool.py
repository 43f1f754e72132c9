"""Many requests, a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from token_difr.endpoint.failures import stops_everything
from token_difr.errors import EndpointError, InputError

__all__ = ["ask_all", "ask_each", "check_concurrency"]

T = TypeVar("T")

SECONDS_A_LINE = 30.0
"""Between two lines of progress in a log, which shows no bar."""

FEWEST_FIRST = 4
"""So many requests must fail before the failure is taken to be everybody's, however few are in flight."""


async def ask_each(
    items: Sequence[T],
    ask: Callable[[T], Awaitable[None]],
    *,
    concurrency: int,
    label: str,
    progress: bool = True,
    goes_on: Callable[[], bool] = lambda: True,
) -> int:
    """Call ``ask`` for every item, at most ``concurrency`` calls at a time, with one progress bar for all.

    ``ask`` keeps its own answer and decides which failures are its own to keep: what it raises ends everything, and
    what is in flight is abandoned.

    Args:
        items: What to ask for; started in this order.
        ask: Sends one request and keeps the answer.
        concurrency: Requests in flight, at least 1.
        label: Stands before the progress bar.
        progress: Show a bar on standard error if there is more than one item; where that is no terminal, a line every half
            minute.
        goes_on: Asked before each item: False sends no more, and what is in flight comes to its end.

    Returns:
        How many items were not asked for.

    Raises:
        InputError: ``concurrency`` below 1.
        Exception: The first one that ``ask`` raised.
    """
    from tqdm import tqdm

    check_concurrency(concurrency)
    waiting = iter(items)
    shown = progress and len(items) > 1
    with tqdm(total=len(items), desc=label, disable=None if shown else True, leave=False) as bar:
        done = 0

        async def work() -> None:
            nonlocal done
            while goes_on() and (item := next(waiting, None)) is not None:
                await ask(item)
                done += 1
                bar.update()

        try:
            async with (
                _lines(lambda: f"{label}: {done:,} of {len(items):,}", wanted=shown and bar.disable),
                asyncio.TaskGroup() as group,
            ):
                for _ in range(min(concurrency, len(items))):
                    group.create_task(work())
        except BaseExceptionGroup as errors:
            # Workers that fail together fail for the same reason: the first one speaks for all.
            raise errors.exceptions[0] from errors.exceptions[0].__cause__
    return sum(1 for _ in waiting)


def check_concurrency(concurrency: int) -> None:
    """Refuse to have no request in flight.

    Raises:
        InputError: ``concurrency`` below 1.
    """
    if concurrency < 1:
        raise InputError(f"concurrency must be at least 1, not {concurrency!r}")


@contextlib.asynccontextmanager
async def _lines(line: Callable[[], str], *, wanted: bool) -> AsyncIterator[None]:
    """Write ``line()`` to standard error every so often while the block lasts: a log that stands still looks dead."""
    if not wanted:
        yield
        return

    async def write() -> None:
        while True:
            await asyncio.sleep(SECONDS_A_LINE)
            with contextlib.suppress(OSError, ValueError):  # standard error may be closed
                print(line(), file=sys.stderr, flush=True)  # noqa: T201

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()


async def ask_all(
    indices: Sequence[int],
    ask: Callable[[int], Awaitable[None]],
    *,
    concurrency: int,
    label: str,
    progress: bool = True,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Call ``ask`` once for every index, at most ``concurrency`` calls at a time; see :func:`ask_each`.

    ``ask`` keeps its own answer: whatever ends this early, what has arrived is kept.

    Args:
        indices: What to ask for; started in this order.
        ask: Sends one request and keeps the answer.
        concurrency: Requests in flight, at least 1.
        label: Stands before the progress bar.
        progress: Show a bar on standard error, if that is a terminal.
        goes_on: See :func:`ask_each`.

    Raises:
        InputError: ``concurrency`` below 1.
        TokenDifrError: An error that all requests would meet (:func:`~token_difr.endpoint.stops_everything`): at once,
            and what is in flight is abandoned. Errors of single requests: after all others are done, as one error of
            the first one's type that says how many failed and why the first did. Where the first
            ``max(concurrency, 4)`` requests all fail, no more are sent.
    """
    first = set(indices[: max(concurrency, FEWEST_FIRST)])
    failed = set[int]()
    causes = list[EndpointError]()

    async def attempt(index: int) -> None:
        try:
            await ask(index)
        except EndpointError as error:
            if stops_everything(error):
                raise
            failed.add(index)
            if not causes:  # one speaks for all: each may hold a long answer
                causes.append(error)

    unsent = await ask_each(
        indices,
        attempt,
        concurrency=concurrency,
        label=label,
        progress=progress,
        goes_on=lambda: goes_on() and not first <= failed,
    )
    if causes:
        raise _summary(causes[0], len(failed), len(indices), unsent)


def _summary(first: EndpointError, failed: int, requests: int, unsent: int) -> EndpointError:
    """One error for all that failed, of the first one's type."""
    reason = str(first).rstrip(".?! ")
    others = f"The other {unsent} were not sent" if unsent else "What was answered is kept"
    summary = type(first)(
        f"{failed} of {requests} requests failed, the first because: {reason}. {others}; once the cause is "
        "gone, the same again asks only for what is missing"
    )
    summary.__cause__ = first
    return summary
