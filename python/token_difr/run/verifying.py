"""Whether a run directory is what its report says: what can be made anew offline is, and compared.

A run that somebody else made proves nothing about their provider: answers and rows may be invented. It proves that the verdict
follows from them: that the scores are those of the rows, and the decision that of the scores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from token_difr._core import __version__
from token_difr.errors import InputError, RunDirectoryError
from token_difr.findings import CHANGED_RULE, changed_rule, find_all
from token_difr.records import BaselineRun, Decision, Report, Scores
from token_difr.run.baseline import Baseline, baseline_of
from token_difr.run.deciding import decision_of, power_of
from token_difr.run.directory import RunDirectory
from token_difr.run.evidence import evidence_of
from token_difr.run.files import is_here
from token_difr.run.layout import REPAIRS, RESPONSES, ROWS, SEQUENCES
from token_difr.run.report_file import read_report
from token_difr.run.score_file import DigestedScores, digest_of
from token_difr.run.sequential_decision import sequential_decision
from token_difr.run.stages import scored
from token_difr.sequences import Tokenizer
from token_difr.untrusted import printable

__all__ = ["MOST_DEALS", "Check", "verify_run"]

MOST_DEALS = 10_000_000
"""Of a permutation test that somebody else's report asks for."""

OF_OTHERS = frozenset({"tie_precision", CHANGED_RULE})
"""Findings that what was said of the provider and of the rule makes, and not the records."""


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


def verify_run(
    path: str | os.PathLike[str], baseline: str | os.PathLike[str] | None = None, tokenizer: Tokenizer | None = None
) -> list[Check]:
    """Look at all of a run; nothing is written and nothing is asked.

    Args:
        path: The run directory.
        baseline: Where the baseline's run is now; None = where the report says.
        tokenizer: The model's, which findings need; None = they are not looked at.

    Raises:
        RunDirectoryError: It is no run directory, or its record or its prompts are not what they were.
    """
    with RunDirectory.read(path) as run:
        checks = list(_stages(run))
        if not all(check.held for check in checks):
            return checks
        sequences = run.sequences()
        if run.redacted:
            checks += [_redacted(run), _same_ids(run)]
        scores = scored(run.batch(), run.audit, [sequences[index] for index in range(len(run.prompts))])
        made = DigestedScores(scores, digest_of(scores))
        try:
            report = read_report(run.path)
        except RunDirectoryError as error:
            return [*checks, Check("report", False, str(error))]
        if report is None:
            return [*checks, Check("report", None, "there is none: token-difr decide makes it")]
        return [*checks, *_report(run, made, report, baseline), _findings(run, report, tokenizer)]


def _stages(run: RunDirectory) -> Iterator[Check]:
    """Every record is there, undamaged, and made from the one before it; what was asked for again in a damaged one's place counts."""
    damaged = run.damaged()
    stages = (("answers", RESPONSES, run.responses), ("tokens", SEQUENCES, run.sequences), ("rows", ROWS, run.rows))
    for name, file, read in stages:
        held = len(read().keys() & range(len(run.prompts)))
        text = f"{held:,} of {len(run.prompts):,}, each with its checksum and made from what it stands on"
        text += f"; {damaged[file]:,} damaged lines are left out" if damaged[file] else ""
        yield Check(name, held == len(run.prompts), text)
    if damaged[REPAIRS]:
        yield Check(
            "repairs",
            False,
            f"{damaged[REPAIRS]:,} damaged lines: what was asked about the cuts of some answers is lost",
        )


def _redacted(run: RunDirectory) -> Check:
    return Check(
        "texts",
        None,
        f"taken out of {len(run.prompts):,} prompts and answers (texts, reasoning, fields and answers as they came, ids of the "
        "prompts), and of findings: a SHA-256 stands for each; the answers' token ids, rows, scores and checksums are here",
    )


def _same_ids(run: RunDirectory) -> Check:
    """The checksum of a sequence is that of the record as it was: what stays of it is held against the rows."""
    sequences, rows = run.sequences(), run.rows()
    others = [
        index
        for index, sequence in sequences.items()
        if sequence.scorable and list(sequence.output_token_ids) != rows[index].claimed.tolist()
    ]
    text = (
        f"those of {len(others):,} answers are not those of their rows"
        if others
        else "those of the answers are those of the rows"
    )
    return Check("ids", not others, text)


def _report(
    run: RunDirectory, made: DigestedScores, report: Report, baseline: str | os.PathLike[str] | None
) -> Iterator[Check]:
    told = report.provenance
    unstated = "" if run.rule is not None else "; which rule stood before it began is not stated"
    yield Check(
        "report", True, f"its checksum is that of its content, decided {told.decided} by {told.version}{unstated}"
    )
    if run.rule is not None:
        changed = changed_rule(run.rule, report.decision.rule)
        stood = "judged by the rule that stood before the first answer"
        yield Check("rule", changed is None, stood if changed is None else changed.text)
    yield _scores(run, made, told.scores, told.version)
    same = report.audit == run.audit
    yield Check("audit", same, "the report is of this record" if same else "the report is of another record")
    if made.digest != told.scores:
        return
    if told.baseline is None:
        if baseline is not None:
            yield Check("baseline", None, "the report was decided without one: the one that was given is not looked at")
        yield _decision(run, made.scores, report.decision, None)
        yield from _power(run, made.scores, report, None)
        return
    against, found = _baseline(run, told.baseline, baseline)
    yield found
    if against is not None:
        yield _decision(run, made.scores, report.decision, against)
        yield from _power(run, made.scores, report, against)


def _scores(run: RunDirectory, made: DigestedScores, told: str, version: str) -> Check:
    other = "" if version == __version__ else f" (decided by {version}; this is {__version__})"
    if made.digest != told:
        return Check("scores", False, f"made anew from the rows: others than the report rests on{other}")
    kept = run.stored_scores()
    if kept is not None and kept.digest != told:
        return Check("scores", False, "those that are kept here are not those of the rows")
    return Check("scores", True, f"made anew from the rows: the same{other}")


def _baseline(
    run: RunDirectory, told: BaselineRun, given: str | os.PathLike[str] | None
) -> tuple[Baseline | None, Check]:
    path = told.path if given is None else given
    if path is None or not is_here(path):
        return None, Check(
            "baseline", None, f"{path or 'scores without a run'} is not here: give its place (--baseline)"
        )
    try:
        against = baseline_of(path, run.audit, out=run.path)
    except (InputError, RunDirectoryError) as error:
        return None, Check("baseline", False, str(error))
    if against is None or replace(against.origin, path=told.path) != told:
        return None, Check("baseline", False, f"{path} is not the run that it was compared with")
    return against, Check("baseline", True, f"{path}: the run that it was compared with")


def _decision(run: RunDirectory, scores: Scores, told: Decision, against: Baseline | None) -> Check:
    if told.rule.most_permutations > MOST_DEALS:
        return Check("decision", None, f"its rule asks for {told.rule.most_permutations:,} deals: not made anew")
    try:
        anew = decision_of(run, scores, against, told.rule)
    except InputError as error:
        return Check("decision", False, str(error))
    if run.audit.judged is not None and run.audit.judged.of_ties:
        if (told.summary, told.baseline) != (anew.summary, anew.baseline):
            return Check("decision", False, "of near ties: its figures, made anew, are others")
        return Check(
            "decision", None, "of near ties: its figures are the same; the verdict needs the file of ties (ties audit)"
        )
    if told.sequential is not None and against is not None:
        anew = sequential_decision(run, scores, anew, told.sequential, against)
    same = repr(told) == repr(anew)  # NaN is unequal to itself, and is written the same
    return Check(
        "decision", same, f"made anew: {anew.verdict.value}, {'the same in every figure' if same else 'other figures'}"
    )


def _power(run: RunDirectory, scores: Scores, report: Report, against: Baseline | None) -> Iterator[Check]:
    """What the run could have shown, where the report says so; by another version, its simulation may differ."""
    if report.power is None:
        return
    same = report.power == power_of(run.audit, report.decision, scores, against)
    other = report.provenance.version != __version__
    found = "the same" if same else "other figures, by another version" if other else "other figures"
    yield Check("power", True if same else None if other else False, f"what it could have shown, made anew: {found}")


def _findings(run: RunDirectory, report: Report, tokenizer: Tokenizer | None) -> Check:
    if run.redacted:
        return Check("findings", None, "the texts that they look at were taken out")
    if tokenizer is None:
        return Check("findings", None, "the tokenizer is not at hand")
    told = {found.name: found.text for found in report.findings if found.name not in OF_OTHERS}
    for reader in (None, tokenizer):  # it may not have been at hand when the report was made
        anew = {found.name: found.text for found in find_all(evidence_of(run, reader))}
        if anew == told:
            return Check("findings", True, "made anew: the same")
    others = sorted({*anew, *told} - {name for name in anew if anew[name] == told.get(name)})
    return Check("findings", False, f"made anew: others in {', '.join(map(printable, others))}")
