"""Many requests, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from token_difr.endpoint.failures import stops_everything
from token_difr.errors import EndpointError, InputError

__all__ = ["ask_all"]


async def ask_all(
    indices: Sequence[int],
    ask: Callable[[int], Awaitable[None]],
    *,
    concurrency: int,
    label: str,
    progress: bool = True,
) -> None:
    """Call ``ask`` once for every index, at most ``concurrency`` calls at a time.

    ``ask`` keeps its own answer: whatever ends this early, what has arrived is kept.

    Args:
        indices: What to ask for; started in this order.
        ask: Sends one request and keeps the answer.
        concurrency: Requests in flight, at least 1.
        label: Stands before the progress bar.
        progress: Show a bar on standard error, if that is a terminal.

    Raises:
        InputError: ``concurrency`` below 1.
        TokenDifrError: An error that all requests would meet (refused connection, refused key, unknown model): at
            once, and what is in flight is abandoned. Errors of single requests: after all others are done, as one
            error of the first one's type that says how many failed and why the first did.
    """
    from tqdm import tqdm

    if concurrency < 1:
        raise InputError(f"concurrency must be at least 1, not {concurrency!r}")
    waiting = iter(indices)
    failures: list[EndpointError] = []
    with tqdm(total=len(indices), desc=label, disable=None if progress else True, leave=False) as bar:

        async def work() -> None:
            for index in waiting:
                try:
                    await ask(index)
                except EndpointError as error:
                    if stops_everything(error):
                        raise
                    failures.append(error)
                bar.update()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(indices))):
                    group.create_task(work())
        except BaseExceptionGroup as errors:
            # Workers that fail together fail for the same reason: the first one speaks for all.
            raise errors.exceptions[0] from errors.exceptions[0].__cause__
    if failures:
        first = failures[0]
        reason = str(first).rstrip(".")
        raise type(first)(
            f"{len(failures)} of {len(indices)} requests failed, the first because: {reason}. The other answers are "
            "kept; run the same again to ask only for these"
        ) from first
