"""Asking until a verdict: as many prompts at a time as it takes at least, in a run directory that grows by them.

What has been asked is always a whole audit of the prompts asked so far, so that all that reads run directories reads this one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from token_difr.records import Audit, Conversation, Rule
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory, read_manifest

__all__ = ["Conduct", "ask_until", "begun"]


def begun(out: str | os.PathLike[str], prompts: int, fewest: int) -> int:
    """How many of so many prompts, from the first on, an audit in ``out`` goes on with: those that it holds, or the ``fewest``."""
    path = Path(out)
    held = read_manifest(path).audit.prompts if is_run_directory(path) else None
    return min(fewest if held is None else held.count, prompts)


class Conduct(Protocol):
    """How the prompts of an audit are asked and tested."""

    async def ask(self, run: RunDirectory, /) -> None:
        """Ask for what ``run`` has no answer to; keep answers, tokens and rows."""

    def further(self, run: RunDirectory | None, /) -> int:
        """How many further prompts to ask for at once, of a run that has all answers to its own; 0 = it is decided, or ends here.

        None = of a run that was asked nothing.
        """


async def ask_until(
    out: str | os.PathLike[str],
    record: Audit,
    prompts: Sequence[Conversation],
    conduct: Conduct,
    *,
    rule: Rule | None = None,
    most: int | None = None,
) -> RunDirectory:
    """Ask batch by batch until the audit is decided, or nothing is left to ask.

    Args:
        out: The run directory.
        record: Whose audit it is.
        prompts: The conversations in the order in which they are asked.
        conduct: How they are asked and tested.
        rule: By which rule the audit is to be judged; None = not stated.
        most: Prompts that are asked in this call, or a few more; None = as many as it takes.

    Returns:
        The run of the prompts that were asked, open; the caller closes it.
    """
    first = begun(out, len(prompts), conduct.further(None))
    run = RunDirectory.create(out, prompts[:first], record.of_first(first), rule=rule)
    last = len(prompts) if most is None else min(len(prompts), len(run.responses()) + most)
    try:
        while True:
            await conduct.ask(run)
            further = conduct.further(run)
            if not further or len(run.prompts) >= last:
                return run
            count = min(last, len(run.prompts) + further)
            run.grow(prompts[:count], record.of_first(count).asked)
    except BaseException:
        run.close()
        raise
