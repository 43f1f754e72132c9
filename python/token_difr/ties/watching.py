"""Watching a provider by near ties: a few a look, look by look, with one rate of false alarms for all of them.

A *pass* is an audit until a verdict, spread over as many looks as it takes; the next look after its end begins another one, in
another order. Pass k has the level 6 / (pi^2 k^2) of the whole, of which all that will ever be add up to 1: so an honest
provider is called divergent, in any pass whatsoever, with a probability of ``level`` at most. Within a pass a tie is asked
once, since the baseline's answer to it is the same each time.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import Rule, Verdict
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory, now
from token_difr.ties.auditing import RULE, aaudit_ties
from token_difr.ties.tie import TieSet

__all__ = ["Look", "alook", "keep_look", "rule_of_pass", "watch"]

LINES = "watch.jsonl"
PASS = "pass-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look at a provider.

    Attributes:
        time: When it ended, in UTC, by ISO 8601.
        run: The run directory of its pass.
        number: The pass's number, from 1.
        asked: Ties that the pass has asked so far.
        fell: How many of them fell the other way.
        wealth: The largest that the bets' wealth has been in this pass.
        divergent_at: The wealth at which the pass is divergent.
        verdict: Of the pass so far.
        reason: The verdict's ground.
    """

    time: str
    run: str
    number: int
    asked: int
    fell: int
    wealth: float
    divergent_at: float
    verdict: Verdict
    reason: str

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), allow_nan=False)


def rule_of_pass(rule: Rule, number: int) -> Rule:
    """The rule of the pass with this number, from 1, where ``rule`` is that of all together."""
    level = rule.level * 6 / (math.pi * number) ** 2
    fewest = math.ceil(2 / level)
    return replace(
        rule,
        level=level,
        seed=rule.seed + number,
        permutations=max(rule.permutations, fewest),
        most_permutations=max(rule.most_permutations, fewest),
    )


async def alook(ties: TieSet, *, out: str | os.PathLike[str], rule: Rule = RULE, most: int = 20, **how: Any) -> Look:
    """Ask some further ties of the pass that is under way in ``out``, or of the next one.

    Args:
        ties: What to ask.
        out: A folder of run directories, one a pass; made if missing. What was asked there is not asked again in a pass.
        rule: Level and tolerance of the whole watch.
        most: Ties a look.
        how: Further arguments of :func:`~token_difr.ties.aaudit_ties`: provider, model, baseline and the like.

    Raises:
        InputError, EndpointError: As there.
    """
    number = _pass_of(Path(out))
    path, judged = Path(out) / f"{PASS}{number:04d}", rule_of_pass(rule, number)
    run = await aaudit_ties(ties, out=path, rule=judged, until_verdict=True, most=most, **how)
    near = run.decision.ties
    if near is None or near.sequential is None:
        raise InputError(f"{path} holds an audit that was not asked until a verdict: watch in a folder of its own")
    return Look(
        time=now(),
        run=str(path),
        number=number,
        asked=near.asked,
        fell=near.fell,
        wealth=max(near.sequential.wealth),
        divergent_at=1 / judged.level,
        verdict=run.verdict,
        reason=run.decision.reason,
    )


def keep_look(out: str | os.PathLike[str], look: Look) -> None:
    """Append the look to ``watch.jsonl``.

    Raises:
        RunDirectoryError: It cannot be written.
    """
    file = Path(out) / LINES
    try:
        with file.open("a", encoding="ascii") as lines:
            lines.write(f"{look.to_json()}\n")
    except OSError as error:
        raise RunDirectoryError(f"cannot write {file}: {error.strerror}") from error


async def watch(
    look: Callable[[], Awaitable[None]],
    *,
    every: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Look again and again, until cancelled.

    Args:
        look: One look; what it raises ends the watch.
        every: Seconds between the beginnings of two looks; one that takes longer is followed at once.
        sleep: Waits for so many seconds.
    """
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + every
        await look()
        await sleep(max(0.0, due - clock()))


def _pass_of(out: Path) -> int:
    """The number of the pass that is under way, or of the next one where that has come to its end."""
    last = 0
    while is_run_directory(out / f"{PASS}{last + 1:04d}"):
        last += 1
    return last + 1 if last == 0 or _ended(out / f"{PASS}{last:04d}") else last


def _ended(path: Path) -> bool:
    with RunDirectory.read(path) as run:
        try:
            report = run.report()
        except RunDirectoryError:  # the last look was cut off
            return False
    near = None if report is None else report.decision.ties
    return near is not None and near.sequential is not None and near.sequential.stopped != "paused"
