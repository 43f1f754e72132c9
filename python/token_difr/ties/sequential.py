"""Asking for ties until a verdict: as many at a time as it takes at least, in a run directory that grows by them.

What has been asked is always a whole audit of the ties asked so far, so that all that reads run directories reads this one.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from token_difr.records import Audit, Rule, SequentialTest
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory, read_manifest
from token_difr.ties.order import asking_order
from token_difr.ties.tie import TieSet

__all__ = ["Conduct", "ask_until", "begun", "in_order"]


def in_order(ties: TieSet, seed: int) -> TieSet:
    """The same ties in the order in which they are asked until a verdict."""
    order = asking_order([tie.gap for tie in ties.ties], seed)
    return replace(ties, ties=tuple(ties.ties[place] for place in order))


def begun(out: str | os.PathLike[str], ties: TieSet, fewest: int) -> int:
    """How many of ``ties``, from the first on, an audit in ``out`` goes on with: those that it holds, or the ``fewest``."""
    path = Path(out)
    held = read_manifest(path).audit.prompts if is_run_directory(path) else None
    return min(fewest if held is None else held.count, len(ties.ties))


class Conduct(Protocol):
    """How the ties of an audit are asked and tested."""

    async def ask(self, run: RunDirectory, ties: TieSet, /) -> None:
        """Ask for those of ``ties`` that ``run`` has no answer to; keep answers, tokens and rows."""

    def test(self, run: RunDirectory, ties: TieSet, /) -> SequentialTest:
        """The sequential test of a run that has all answers to ``ties``."""

    def further(self, run: RunDirectory | None, ties: TieSet, /) -> int:
        """How many further ties there can be a verdict behind at the earliest, of such a run; None = it was asked nothing."""


async def ask_until(
    out: str | os.PathLike[str],
    record: Audit,
    ties: TieSet,
    conduct: Conduct,
    *,
    rule: Rule | None = None,
    most: int | None = None,
) -> RunDirectory:
    """Ask batch by batch until the test stops, or all ties are asked.

    Args:
        out: The run directory.
        record: Whose audit it is.
        ties: The ties in the order in which they are asked.
        conduct: How they are asked and tested.
        rule: By which rule the audit is to be judged; None = not stated.
        most: Ties that are asked in this call, or a few more; None = as many as it takes.

    Returns:
        The run of the ties that were asked, open; the caller closes it.
    """
    conversations = [tie.conversation for tie in ties.ties]
    first = conversations[: begun(out, ties, conduct.further(None, ties))]
    run = RunDirectory.create(out, first, record, rule=rule)
    last = len(conversations) if most is None else min(len(conversations), len(run.responses()) + most)
    try:
        while True:
            asked = replace(ties, ties=ties.ties[: len(run.prompts)])
            await conduct.ask(run, asked)
            if conduct.test(run, asked).stopped != "exhausted" or len(run.prompts) >= last:
                return run
            run.grow(conversations[: min(last, len(run.prompts) + conduct.further(run, asked))])
    except BaseException:
        run.close()
        raise
