"""Figures as text: what was scored, and the candidate against its baseline."""

from __future__ import annotations

import math

from token_difr.records import Comparison, Estimate, StatisticComparison, Summary
from token_difr.report.grid import Column, Grid
from token_difr.untrusted import printable

__all__ = ["UNKNOWN", "percent", "statistics_grid", "summary_grid"]

UNKNOWN = "-"
DECIDING = " *"
LONGEST_GLOSS = 400

MATCH_NOTES = (
    "decided: tokens that the reference's figures settle; match rate: the share of these that are its own choice.",
    "margin: how far a token was from being chosen; 0 where it was.",
)


def percent(value: float, *, digits: int = 2) -> str:
    """A share as a percentage, "-" where it is unknown."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:.{digits}f} %"


def summary_grid(candidate: Summary, baseline: Summary | None = None) -> Grid:
    """Counts, rates and means of a run, and of its baseline beside it; what says nothing of either is left out."""
    sides = [("candidate", candidate)] if baseline is None else [("candidate", candidate), ("baseline", baseline)]
    labels = [label for label, _ in _summary_rows(candidate)]
    cells = zip(*([cell for _, cell in _summary_rows(side)] for _, side in sides), strict=True)
    rows = [(label, *row) for label, row in zip(labels, cells, strict=True) if any(cell != UNKNOWN for cell in row)]
    statuses = dict.fromkeys(status for _, side in sides for status in side.statuses)
    counts = {status: [side.statuses.get(status, 0) for _, side in sides] for status in statuses}
    rows += [
        (f"status {printable(status)}", *(f"{count:,}" for count in row)) for status, row in counts.items() if any(row)
    ]
    columns = (Column(), *(Column(name, right=True) for name, _ in sides))
    matched = not all(math.isnan(side.exact_match_rate.value) for _, side in sides)
    return Grid("What was scored", columns, tuple(rows), notes=MATCH_NOTES if matched else ())


def statistics_grid(comparison: Comparison) -> Grid:
    """One row a statistic, the deciding one marked, each with what it means."""
    columns = (
        Column("statistic"),
        *(Column(heading, right=True) for heading in ("candidate", "baseline", "difference", "95 % interval", "p")),
        Column("meaning", least=36, beneath=True),
    )
    entries = comparison.statistics
    return Grid(
        "Candidate against baseline",
        columns,
        tuple(_statistic_row(entry, deciding=entry.name == comparison.deciding) for entry in entries),
        strong=frozenset(index for index, entry in enumerate(entries) if entry.name == comparison.deciding),
        notes=_comparison_notes(comparison),
    )


def _summary_rows(summary: Summary) -> list[tuple[str, str]]:
    """Label and cell of each row; ``UNKNOWN`` where the run has no token that it could be said of."""
    rate = summary.exact_match_rate
    unreplayed = summary.decided_tokens == 0 < summary.statuses.get("unreplayed", 0)
    above, below = (summary.statistics.get(f"surprise_{side}") for side in ("above", "below"))
    return [
        ("sequences", f"{summary.sequences:,}"),
        ("of them empty", f"{summary.empty_sequences:,}" if summary.empty_sequences else UNKNOWN),
        ("of them not scored", f"{summary.withheld_sequences:,}" if summary.withheld_sequences else UNKNOWN),
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


def _statistic_row(entry: StatisticComparison, *, deciding: bool) -> tuple[str, ...]:
    low, high = entry.interval
    return (
        printable(entry.name) + DECIDING * deciding,
        _number(entry.candidate),
        _number(entry.baseline),
        _number(entry.difference, sign="+"),
        f"{_number(low, sign='+')} {_number(high, sign='+')}",
        _number(entry.p_value),
        _meaning(entry),
    )


def _meaning(entry: StatisticComparison) -> str:
    """Its gloss, with what the figures are if they are no shares."""
    unit = "" if entry.unit == "share" else f"in {printable(entry.unit)}"
    both = "counts in both directions" if entry.two_sided else ""
    return "; ".join(words for words in (printable(entry.gloss, longest=LONGEST_GLOSS), unit, both) if words)


def _comparison_notes(comparison: Comparison) -> tuple[str, ...]:
    ours, theirs = comparison.sequences
    notes = [f"p: adjusted for looking at all statistics; divergent below {comparison.level:g}."]
    if any(entry.name == comparison.deciding for entry in comparison.statistics):
        notes.insert(0, "* the deciding one: its p is the smallest, and so that of the comparison.")
    if not math.isnan(comparison.match_loss):
        loss, most = comparison.match_loss, comparison.match_loss_upper
        notes.append(f"match rate: {_below(loss)} the baseline's; {_bound(most)} (95 % bound).")
    if not math.isnan(comparison.margin_ratio_upper):
        notes.append(
            f"margins (up to 0.1 nats): at most {comparison.margin_ratio_upper:.1f} times the baseline's (95 %)."
        )
    if comparison.as_large_as is not None:
        notes.append(f"about as large as: {printable(comparison.as_large_as)}.")
    how = "on the same prompts, in pairs" if comparison.paired else "on other prompts, cut to like lengths"
    notes.append(f"compared: {ours:,} sequences with {theirs:,} of the baseline, {how}.")
    cut = [f"{some:,} of {all_:,}" for some, all_ in zip(comparison.compared_tokens, comparison.tokens, strict=True)]
    notes.append(f"tokens compared: {cut[0]}, and {cut[1]} of the baseline.")
    return tuple(notes)


def _below(loss: float) -> str:
    return f"{100 * abs(loss):.2f} points {'below' if loss >= 0 else 'above'}"


def _bound(most: float) -> str:
    return f"at most {100 * most:.2f} points below it" if most >= 0 else f"at least {-100 * most:.2f} points above it"


def _estimate(estimate: Estimate | None) -> str:
    return UNKNOWN if estimate is None else _number(estimate.value)


def _number(value: float, *, sign: str = "") -> str:
    return UNKNOWN if math.isnan(value) else f"{value:{sign}.4f}"
