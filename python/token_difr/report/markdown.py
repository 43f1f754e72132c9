"""A report as Markdown with tables, as GitHub shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from token_difr.records import Report
from token_difr.report.grid import Column, Grid
from token_difr.report.sections import reason, sections

__all__ = ["grids_markdown", "markdown"]

# Each sign that could begin markup, HTML, a formula, a link or a mention: escaped by a backslash, which Markdown takes
# before any ASCII punctuation, or by its entity. An address becomes no link without its "://", and nobody is called
# by an "@" that a space without width follows.
ESCAPES = {
    **{sign: f"\\{sign}" for sign in "\\`*_{}[]|~$#"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "@": "@&#8203;",
    "://": ":\\//",
    "www.": "www\\.",
}
ESCAPED = re.compile("|".join(map(re.escape, sorted(ESCAPES, key=len, reverse=True))), re.IGNORECASE)


def markdown(report: Report) -> str:
    """Markdown with tables, for a page or a comment."""
    head = f"**{report.decision.verdict.value}**: {_escaped(reason(report))}\n"
    return "\n".join([head, *map(_section, sections(report))])


def grids_markdown(grids: Iterable[Grid]) -> str:
    """Tables as Markdown, as :func:`markdown` writes them."""
    return "\n".join(map(_section, grids))


def _section(grid: Grid) -> str:
    lines = [
        f"## {_escaped(grid.title)}",
        "",
        _row([column.heading for column in grid.columns]),
        "|" + "|".join(map(_rule, grid.columns)) + "|",
        *(_row(row, strong=index in grid.strong) for index, row in enumerate(grid.rows)),
        "",
    ]
    if grid.notes:
        lines += [*(f"* {_escaped(note)}" for note in grid.notes), ""]
    return "\n".join(lines)


def _row(cells: list[str] | tuple[str, ...], *, strong: bool = False) -> str:
    first, *others = map(_escaped, cells)
    return f"| {' | '.join([f'**{first}**' if strong and first else first, *others])} |"


def _rule(column: Column) -> str:
    return " ---: " if column.right else " --- "


def _escaped(text: str) -> str:
    return ESCAPED.sub(lambda match: ESCAPES.get(match[0]) or f"{match[0][:-1]}\\.", text)
