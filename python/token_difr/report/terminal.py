"""A report for a terminal of any width; readable without color."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from token_difr.records import Report, Summary, Verdict
from token_difr.report.figures import summary_grid
from token_difr.report.grid import Grid
from token_difr.report.layout import Line, grid_lines, wrapped
from token_difr.report.sections import reason, sections

__all__ = ["grids_text", "plain_table", "summary_table", "terminal", "terminal_parts", "verdict_text"]

VERDICT_STYLES = {
    Verdict.CONSISTENT: "bold green",
    Verdict.DIVERGENT: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
}


def terminal(report: Report, console: Console | None = None) -> str:
    """Text as wide as the terminal, in color where it has any.

    Args:
        report: The report.
        console: Whose width and colors count; None = standard output's.
    """
    return _printed(terminal_parts(report), console)


def grids_text(grids: Iterable[Grid], console: Console | None = None) -> str:
    """Tables as text, as :func:`terminal` shows them; a blank line between two."""
    return _printed(map(_Shown, grids), console)


def terminal_parts(report: Report) -> list[RenderableType]:
    """What to print, in order; each part takes the width of the console that it is printed on."""
    return [_Headline(report.decision.verdict, reason(report)), *map(_Shown, sections(report))]


def summary_table(candidate: Summary, baseline: Summary | None = None) -> RenderableType:
    """Counts, rates and means of a run, and of its baseline beside it; what says nothing of either is left out."""
    return _Shown(summary_grid(candidate, baseline))


def verdict_text(verdict: Verdict) -> Text:
    """The verdict's word in its color."""
    return Text(verdict.value, style=VERDICT_STYLES[verdict])


def plain_table(title: str, *, caption: str | None = None) -> Table:
    """An empty table without rules, its title and caption flush left, for columns that are known to fit."""
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


def _printed(parts: Iterable[RenderableType], console: Console | None) -> str:
    shown = Console() if console is None else console
    with shown.capture() as capture:
        for index, part in enumerate(parts):
            if index:
                shown.print()
            shown.print(part)
    return capture.get()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A grid that is laid out when the console's width is known."""

    grid: Grid

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from map(_text, grid_lines(self.grid, options.max_width))


@dataclass(frozen=True, slots=True)
class _Headline:
    """The verdict in its color, and the reason."""

    verdict: Verdict
    reason: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first, *others = wrapped(f"{self.verdict.value}: {self.reason}", options.max_width)
        headline = _text(Line(first))
        headline.stylize(VERDICT_STYLES[self.verdict], 0, len(self.verdict.value))
        yield headline
        yield from (_text(Line(text)) for text in others)


def _text(line: Line) -> Text:
    """As it stands: rich finds no markup and no emoji codes in it, and does not wrap it."""
    return Text(line.text, style="bold" if line.strong else "", no_wrap=True, overflow="ignore", end="\n")
