"""Where and why outputs part, as grids: the causes, and the cells of the profile that differ from the baseline's."""

from __future__ import annotations

import math

from token_difr.records import Cause, Diagnosis, Estimate, ProfileCell
from token_difr.report.figures import UNKNOWN, percent
from token_difr.report.grid import Column, Grid
from token_difr.untrusted import printable

__all__ = ["causes_grid", "profile_grid"]

LONGEST = 1000

PROFILE_NOTES = (
    "95 %: interval of the difference, in points; margin: nats, at most 1 a token. First parting: share of all answers.",
)


def causes_grid(diagnosis: Diagnosis) -> Grid:
    """A row a cause."""
    columns = (
        Column("cause"),
        Column(""),
        *(Column(heading, least=24, beneath=True) for heading in ("what it is", "what to do")),
    )
    note = (
        f"named by mistake in at most {100 * diagnosis.level:g} % of honest audits; a cause never changes the verdict."
    )
    rows = tuple(map(_cause, diagnosis.causes))
    return Grid("Why the outputs part", columns, rows, strong=frozenset(range(len(rows))), notes=(note,))


def profile_grid(diagnosis: Diagnosis) -> Grid:
    """A row a cell that differs."""
    headings = ("of", "candidate", "baseline", "95 %", "margin")
    columns = (Column("tokens", least=16), *(Column(heading, right=True) for heading in headings))
    cells = [cell for cell in diagnosis.cells if cell.differs]
    looked = (
        f"{len(cells)} of {len(diagnosis.cells)} kinds of tokens differ from the baseline's; the JSON form has all."
    )
    return Grid("Where the outputs part, by kind", columns, tuple(map(_cell, cells)), notes=(looked, *PROFILE_NOTES))


def _cause(cause: Cause) -> tuple[str, ...]:
    texts = (printable(text, longest=LONGEST) for text in (cause.text, cause.advice))
    return (printable(cause.name.replace("_", " ")), "shown" if cause.shown else "left open", *texts)


def _cell(cell: ProfileCell) -> tuple[str, ...]:
    shares = (percent(side.value) for side in (cell.mismatch.candidate, cell.mismatch.baseline))
    margin = cell.margin.candidate.value
    return (
        printable(f"{cell.group}: {cell.name}"),
        f"{cell.counts[0]:,}",
        *shares,
        _points(cell.mismatch.difference),
        UNKNOWN if math.isnan(margin) else f"{margin:.3f}",
    )


def _points(difference: Estimate) -> str:
    ends = (UNKNOWN if math.isnan(end) else f"{100 * end:+.2f}" for end in (difference.low, difference.high))
    return " ".join(ends)
