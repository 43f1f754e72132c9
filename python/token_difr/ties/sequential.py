"""Asking for ties until a verdict: a few at a time in a random order, in a run directory that grows by them.

What has been asked is always a whole audit of the ties asked so far, so that all that reads run directories reads this one.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from token_difr.records import Audit, SequentialTest
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory, read_manifest
from token_difr.ties.stopping import order_of
from token_difr.ties.tie import TieSet

__all__ = ["BATCH", "ask_until", "begun", "in_order"]

BATCH = 4
"""Ties between two looks. More would be asked in vain behind the verdict."""


def in_order(ties: TieSet, seed: int) -> TieSet:
    """The same ties in the order in which they are asked until a verdict."""
    return replace(ties, ties=tuple(ties.ties[place] for place in order_of(len(ties.ties), seed)))


def begun(out: str | os.PathLike[str], ties: TieSet) -> int:
    """How many of ``ties``, from the first on, an audit in ``out`` goes on with: those that it holds, or the first batch."""
    path = Path(out)
    held = read_manifest(path).audit.prompts if is_run_directory(path) else None
    return min(BATCH if held is None else held.count, len(ties.ties))


async def ask_until(
    out: str | os.PathLike[str],
    record: Audit,
    ties: TieSet,
    ask: Callable[[RunDirectory, TieSet], Awaitable[None]],
    test: Callable[[RunDirectory, TieSet], SequentialTest],
    *,
    most: int | None = None,
) -> RunDirectory:
    """Ask batch by batch until the test stops, or all ties are asked.

    Args:
        out: The run directory.
        record: Whose audit it is.
        ties: The ties in the order in which they are asked.
        ask: Asks for those of some ties that the run has no answer to, and keeps their tokens and rows.
        test: The sequential test of a run that has all answers to some ties.
        most: Ties that are asked in this call, rounded up to a batch; None = as many as it takes.

    Returns:
        The run of the ties that were asked, open; the caller closes it.
    """
    conversations = [tie.conversation for tie in ties.ties]
    run = RunDirectory.create(out, conversations[: begun(out, ties)], record)
    last = len(conversations) if most is None else min(len(conversations), len(run.responses()) + most)
    try:
        while True:
            asked = replace(ties, ties=ties.ties[: len(run.prompts)])
            await ask(run, asked)
            if test(run, asked).stopped != "exhausted" or len(run.prompts) >= last:
                return run
            run.grow(conversations[: len(run.prompts) + BATCH])
    except BaseException:
        run.close()
        raise
