"""A report in the order in which it is read: the verdict with its reason, then one grid after the other."""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.records import Finding, Parting, Report
from token_difr.report.compared import compared_grid
from token_difr.report.diagnosis import causes_grid, profile_grid
from token_difr.report.figures import UNKNOWN, statistics_grid, summary_grid
from token_difr.report.grid import Column, Grid
from token_difr.report.near_ties import ties_grid
from token_difr.report.sequential import sequential_grid
from token_difr.untrusted import printable

__all__ = ["causes", "reason", "sections"]

LONGEST_TEXT = 1000


def reason(report: Report) -> str:
    """The verdict's ground and, of an inconclusive one, what the audit could have shown; safe to show."""
    ground = printable(report.decision.reason, longest=LONGEST_TEXT)
    if report.power is None:
        return ground
    return f"{ground}. {printable(report.power.sentence, longest=LONGEST_TEXT)}"


def causes(report: Report) -> list[tuple[str, str, str]]:
    """The name of each cause, what it is, and what to do, safe to show; those that the records only leave open say so."""
    named = () if report.diagnosis is None else report.diagnosis.causes
    return [
        (
            printable(cause.name.replace("_", " ")) + ("" if cause.shown else ", perhaps"),
            printable(cause.text, longest=LONGEST_TEXT),
            printable(cause.advice, longest=LONGEST_TEXT),
        )
        for cause in named
    ]


def sections(report: Report) -> list[Grid]:
    """All that stands under the verdict: conditions, causes, scores, near ties, bets, comparison, profile, partings, findings."""
    decision, diagnosis = report.decision, report.diagnosis
    grids = [compared_grid(report)]
    if diagnosis is not None and diagnosis.causes:
        grids.append(causes_grid(diagnosis))
    grids.append(summary_grid(decision.summary, decision.baseline))
    if decision.ties is not None:
        grids.append(ties_grid(decision.ties))
    if decision.sequential is not None:
        grids.append(sequential_grid(decision.sequential, decision.rule))
    if decision.comparison is not None and decision.comparison.statistics:
        grids.append(statistics_grid(decision.comparison))
    if diagnosis is not None and any(cell.differs for cell in diagnosis.cells):
        grids.append(profile_grid(diagnosis))
    if report.partings:
        grids.append(_partings(report.partings))
    if report.findings:
        grids.append(_findings(report.findings))
    return grids


def _partings(partings: Sequence[Parting]) -> Grid:
    columns = (
        Column("sequence", right=True),
        Column("token", right=True),
        *(Column(heading, least=16) for heading in ("after", "provider", "likeliest")),
        Column("margin", right=True),
    )
    return Grid("Where the outputs part (largest margin of a sequence)", columns, tuple(map(_parting_row, partings)))


def _parting_row(parting: Parting) -> tuple[str, ...]:
    known = "" if parting.status == "scored" else "≥ "
    margin = UNKNOWN if parting.margin_bound != parting.margin_bound else f"{known}{parting.margin_bound:.2f}"
    texts = (_quoted(text) for text in (parting.context, parting.claimed, parting.expected))
    return (f"{parting.sequence}", f"{parting.position}", *texts, margin)


def _quoted(text: str) -> str:
    """In quotes, which show the spaces that many tokens begin with."""
    return f'"{printable(text)}"'


def _findings(findings: Sequence[Finding]) -> Grid:
    """Warnings first."""
    ordered = sorted(findings, key=lambda finding: finding.level != "warning")
    rows = tuple(
        (finding.level, printable(finding.name.replace("_", " ")), printable(finding.text, longest=LONGEST_TEXT))
        for finding in ordered
    )
    warnings = frozenset(index for index, finding in enumerate(ordered) if finding.level == "warning")
    columns = (Column("level"), Column("finding"), Column("what it says", least=24, beneath=True))
    return Grid("What the records show beside the scores", columns, rows, strong=warnings)
