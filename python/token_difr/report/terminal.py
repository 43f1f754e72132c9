"""A decision as tables for a terminal; readable without color."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from token_difr.records import Comparison, Decision, Estimate, Finding, Parting, Summary, Verdict

__all__ = ["decision_tables", "findings_table", "percent", "plain_table", "summary_table", "verdict_text"]

VERDICT_STYLES = {
    Verdict.CONSISTENT: "bold green",
    Verdict.DIVERGENT: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
}

LEVEL_STYLES = {"warning": "bold yellow", "note": "dim"}

UNKNOWN = "-"


def decision_tables(
    decision: Decision, partings: Iterable[Parting] = (), findings: Sequence[Finding] = ()
) -> list[Table | Text]:
    """What to print for a decision, in order: both sides, the comparison, where they part, findings, the verdict."""
    shown: list[Table | Text] = [summary_table(decision.summary, decision.baseline)]
    if decision.comparison is not None and decision.comparison.statistics:
        shown.append(_statistics(decision.comparison))
    rows = list(partings)
    if rows:
        shown.append(_partings(rows))
    if findings:
        shown.append(findings_table(findings))
    shown.append(Text.assemble(verdict_text(decision.verdict), f": {decision.reason}"))
    return shown


def findings_table(findings: Sequence[Finding]) -> Table:
    """Every finding with its level; they do not change the verdict."""
    table = plain_table("What the records show beside the scores")
    table.add_column("")
    table.add_column("finding", no_wrap=True)
    table.add_column("", overflow="fold")
    for finding in findings:
        name = finding.name.replace("_", " ")
        table.add_row(Text(finding.level, style=LEVEL_STYLES[finding.level]), name, Text(finding.text))
    return table


def verdict_text(verdict: Verdict) -> Text:
    """The verdict's word in its color."""
    return Text(verdict.value, style=VERDICT_STYLES[verdict])


def percent(value: float, *, digits: int = 2) -> str:
    """A share as a percentage, "-" where it is unknown."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:.{digits}f} %"


def plain_table(title: str, *, caption: str | None = None) -> Table:
    """An empty table without rules, its title and caption flush left; its columns fit 80 characters."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption=caption,
        caption_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def summary_table(candidate: Summary, baseline: Summary | None = None) -> Table:
    """Counts, rates and means of a run, and of its baseline beside it; what says nothing of either is left out."""
    table = plain_table("What was scored")
    table.add_column("")
    sides = [("candidate", candidate)] if baseline is None else [("candidate", candidate), ("baseline", baseline)]
    for name, _ in sides:
        table.add_column(name, justify="right")
    for row in zip(*(_summary_rows(side) for _, side in sides), strict=True):
        if any(cell != UNKNOWN for _, cell in row):
            table.add_row(row[0][0], *(cell for _, cell in row))
    for status in candidate.statuses:
        counts = [summary.statuses.get(status, 0) for _, summary in sides]
        if any(counts):
            table.add_row(f"status {status}", *(f"{count:,}" for count in counts))
    return table


def _summary_rows(summary: Summary) -> list[tuple[str, str]]:
    """Label and cell of each row; ``UNKNOWN`` where the run has no token that it could be said of."""
    rate = summary.exact_match_rate
    unreplayed = summary.decided_tokens == 0 < summary.statuses.get("unreplayed", 0)
    above, below = (summary.statistics.get(f"surprise_{side}") for side in ("above", "below"))
    return [
        ("sequences", f"{summary.sequences:,}"),
        ("of them empty", f"{summary.empty_sequences:,}" if summary.empty_sequences else UNKNOWN),
        ("tokens", f"{summary.tokens:,}"),
        ("decided", UNKNOWN if unreplayed else f"{summary.decided_tokens:,}"),
        ("match rate", percent(rate.value)),
        ("95 % interval", UNKNOWN if math.isnan(rate.value) else f"{percent(rate.low)} to {percent(rate.high)}"),
        ("mean probability", _number(summary.mean_prob)),
        ("mean finite margin (nats)", _number(summary.mean_margin)),
        ("infinite margins", percent(summary.infinite_margin_rate)),
        ("rows that are no distribution", f"{summary.improper_rows:,}" if summary.improper_rows else UNKNOWN),
        ("surprise above expectation (nats)", _estimate(above)),
        ("surprise below expectation (nats)", _estimate(below)),
    ]


def _estimate(estimate: Estimate | None) -> str:
    return UNKNOWN if estimate is None else _number(estimate.value)


def _statistics(comparison: Comparison) -> Table:
    table = plain_table("Candidate against baseline")
    for heading in ("statistic", "candidate", "baseline", "difference", "95 % interval", "p"):
        table.add_column(heading, justify="left" if heading == "statistic" else "right", no_wrap=True)
    for entry in comparison.statistics:
        low, high = entry.interval
        table.add_row(
            entry.name,
            f"{entry.candidate:.4f}",
            f"{entry.baseline:.4f}",
            f"{entry.difference:+.4f}",
            f"{low:+.4f} {high:+.4f}",
            f"{entry.p_value:.4f}",
        )
    return table


def _partings(partings: list[Parting]) -> Table:
    table = plain_table("Where the outputs part (largest margin of a sequence)")
    for heading in ("sequence", "token"):
        table.add_column(heading, justify="right")
    for heading in ("after", "provider", "likeliest"):
        table.add_column(heading, overflow="fold")
    table.add_column("margin", justify="right")
    for parting in partings:
        bound = "" if parting.status == "scored" else "≥ "
        table.add_row(
            str(parting.sequence),
            str(parting.position),
            Text(parting.context),  # as Text, rich finds no markup and no emoji codes in it
            Text(parting.claimed),
            Text(parting.expected),
            f"{bound}{parting.margin_bound:.2f}",
        )
    return table


def _number(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:.4f}"
