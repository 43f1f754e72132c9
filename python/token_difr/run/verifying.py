"""Whether a run directory is what its report says: everything that can be made anew offline is, and compared.

A run that somebody else made proves nothing about their provider: answers and rows may be invented. It proves that the verdict
follows from them: that none of them was changed since, that the scores are those of the rows, and the decision that of the scores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from token_difr._core import __version__
from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import BaselineRun, Report
from token_difr.run.baseline import Baseline, baseline_of
from token_difr.run.deciding import decision_of
from token_difr.run.directory import RunDirectory
from token_difr.run.layout import RESPONSES, ROWS, SEQUENCES
from token_difr.run.report_file import read_report
from token_difr.run.score_file import DigestedScores, digest_of
from token_difr.run.stages import scored

__all__ = ["Check", "verify_run"]


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        name: What.
        held: Whether it is as it should be; None where it could not be looked at.
        text: What was found.
    """

    name: str
    held: bool | None
    text: str


def verify_run(path: str | os.PathLike[str], baseline: str | os.PathLike[str] | None = None) -> list[Check]:
    """Look at all of a run; nothing is written and nothing is asked.

    Args:
        path: The run directory.
        baseline: Where the baseline's run is now; None = where the report says.

    Raises:
        RunDirectoryError: It is no run directory, or nothing of it can be read.
    """
    with RunDirectory.read(path) as run:
        checks = [
            Check("record and prompts", True, f"{len(run.prompts):,} prompts, the ones of the record"),
            *_stages(run),
        ]
        if not all(check.held for check in checks):
            return checks
        sequences = run.sequences()
        scores = scored(run.batch(), run.audit, [sequences[index] for index in range(len(run.prompts))])
        made = DigestedScores(scores, digest_of(scores))
        try:
            report = read_report(run.path)
        except RunDirectoryError as error:
            return [*checks, Check("report", False, str(error))]
        if report is None:
            return [*checks, Check("report", None, "there is none: token-difr decide makes it")]
        return [*checks, *_report(run, made, report, baseline)]


def _stages(run: RunDirectory) -> Iterator[Check]:
    """Every record is there, undamaged, and made from the one before it."""
    damaged = run.damaged()
    stages = (("answers", RESPONSES, run.responses), ("tokens", SEQUENCES, run.sequences), ("rows", ROWS, run.rows))
    for name, file, read in stages:
        held = len(read().keys() & range(len(run.prompts)))
        text = f"{held:,} of {len(run.prompts):,}, each with its checksum and made from what it stands on"
        text += f"; {damaged[file]:,} lines are damaged" if damaged[file] else ""
        yield Check(name, held == len(run.prompts) and not damaged[file], text)


def _report(
    run: RunDirectory, made: DigestedScores, report: Report, baseline: str | os.PathLike[str] | None
) -> Iterator[Check]:
    told = report.provenance
    yield Check("report", True, f"its checksum is that of its content, decided {told.decided} by {told.version}")
    other = "" if told.version == __version__ else f" (by {told.version}; this is {__version__})"
    same = made.digest == told.scores
    yield Check(
        "scores", same, f"made anew from the rows: {'the same' if same else 'others than the report rests on'}{other}"
    )
    yield Check(
        "audit",
        report.audit == run.audit,
        "the report is of this record" if report.audit == run.audit else "of another one",
    )
    if not same:
        return
    against, found = _baseline(run, told.baseline, baseline)
    if found is not None:
        yield found
    if told.baseline is None or against is not None:
        yield _decision(run, made, report, against)


def _baseline(
    run: RunDirectory, told: BaselineRun | None, given: str | os.PathLike[str] | None
) -> tuple[Baseline | None, Check | None]:
    path = given if given is not None or told is None else told.path
    if told is None:
        return None, None
    if path is None or not Path(path).exists():
        return None, Check(
            "baseline", None, f"{path or 'scores without a run'} is not here: give its place (--baseline)"
        )
    try:
        against = baseline_of(path, run.audit, out=run.path)
    except (InputError, RunDirectoryError) as error:
        return None, Check("baseline", False, str(error))
    same = against is not None and against.origin.scores == told.scores
    text = f"{path}: {'the scores that it was compared with' if same else 'other scores than it was compared with'}"
    return (against if same else None), Check("baseline", same, text)


def _decision(run: RunDirectory, made: DigestedScores, report: Report, against: Baseline | None) -> Check:
    """A decision about ties has counts beside the figures, and where it was sequential they decided: the figures are compared."""
    told = report.decision
    anew = decision_of(run, made.scores, against, told.rule)
    if told.ties is not None:
        same = told.summary == anew.summary and told.baseline == anew.baseline
        return Check(
            "decision", same, "of near ties: its figures, made anew, are " + ("the same" if same else "others")
        )
    # NaN is unequal to itself: records are compared as they are written.
    same = repr(told) == repr(anew)
    return Check(
        "decision", same, f"made anew: {anew.verdict.value}, {'the same in every figure' if same else 'other figures'}"
    )
