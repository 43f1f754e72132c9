"""A grid as lines of a given width. No figure is cut or split: what does not fit side by side is stacked.

Three ways, the first that fits: all columns beside each other; the long texts under their rows; one block a row, a
line for each cell. Widths are in terminal cells, of which a Chinese character takes two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len, chop_cells

from token_difr.report.grid import Column, Grid

__all__ = ["Line", "grid_lines", "wrapped"]

GAP = 2
INDENT = 2
NARROWEST = 10  # narrower, and nothing can be read anyway

# A figure keeps its sign: "97.12 %" and "p = 0.0010" stay on one line.
BREAK = re.compile(r"(?<!p =) (?![%=])")


class Line(NamedTuple):
    """One line, and whether it stands out."""

    text: str
    strong: bool = False


def grid_lines(grid: Grid, width: int) -> list[Line]:
    """The grid in at most ``width`` cells a line."""
    width = max(width, NARROWEST)
    return [
        *(Line(text, strong=True) for text in wrapped(grid.title, width)),
        *_body(grid, width),
        *(Line(text) for note in grid.notes for text in wrapped(note, width)),
    ]


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken at spaces; only a word wider than that is broken itself."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in BREAK.split(text):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(joined) <= width:
            lines[-1] = joined
        else:
            lines += chop_cells(word, width)
    return [line for line in lines if line]


def _body(grid: Grid, width: int) -> Iterator[Line]:
    every = range(len(grid.columns))
    for shown in (list(every), [c for c in every if not grid.columns[c].beneath]):
        widths = _widths(grid, shown, width)
        if widths is not None:
            return _table(grid, dict(zip(shown, widths, strict=True)), width)
    return _stacked(grid, width)


def _widths(grid: Grid, shown: Sequence[int], width: int) -> list[int] | None:
    """The width of each shown column; None if they do not fit side by side."""
    natural = [max(map(cell_len, (grid.columns[c].heading, *(row[c] for row in grid.rows)))) for c in shown]
    least = [grid.columns[c].least for c in shown]
    widths = [full if few is None else min(full, few) for full, few in zip(natural, least, strict=True)]
    room = width - sum(widths) - GAP * (len(widths) - 1)
    if room < 0:
        return None
    while room and (wanting := [i for i, full in enumerate(natural) if widths[i] < full]):
        widths[min(wanting, key=widths.__getitem__)] += 1
        room -= 1
    return widths


def _table(grid: Grid, widths: dict[int, int], width: int) -> Iterator[Line]:
    columns = [(grid.columns[c], widths[c]) for c in widths]
    if any(column.heading for column, _ in columns):
        yield from map(Line, _side_by_side([column.heading for column, _ in columns], columns))
    beneath = [c for c in range(len(grid.columns)) if c not in widths]
    for index, row in enumerate(grid.rows):
        for text in _side_by_side([row[c] for c in widths], columns):
            yield Line(text, index in grid.strong)
        for c in beneath:
            yield from (Line(" " * 2 * INDENT + text) for text in wrapped(row[c], width - 2 * INDENT) if row[c])


def _side_by_side(cells: Sequence[str], columns: Sequence[tuple[Column, int]]) -> Iterator[str]:
    """The lines of one row; a wrapped cell takes several."""
    texts = [wrapped(cell, width) for cell, (_, width) in zip(cells, columns, strict=True)]
    for parts in zip_longest(*texts, fillvalue=""):
        padded = (_padded(part, column, width) for part, (column, width) in zip(parts, columns, strict=True))
        yield (" " * GAP).join(padded).rstrip()


def _padded(text: str, column: Column, width: int) -> str:
    spaces = " " * (width - cell_len(text))
    return spaces + text if column.right else text + spaces


def _stacked(grid: Grid, width: int) -> Iterator[Line]:
    """One block a row: its first cell, then every other one with its column's heading."""
    pairs = len(grid.columns) == 2 and not grid.columns[1].beneath
    for index, row in enumerate(grid.rows):
        block = _labelled(row[0], row[1], width) if pairs else [*_first(grid, row, width), *_cells(grid, row, width)]
        yield from (Line(text, index in grid.strong) for text in block)


def _first(grid: Grid, row: tuple[str, ...], width: int) -> list[str]:
    """A name stands for itself; a number needs its heading."""
    column = grid.columns[0]
    return _labelled(column.heading if column.right else "", row[0], width)


def _cells(grid: Grid, row: tuple[str, ...], width: int) -> Iterator[str]:
    for column, cell in zip(grid.columns[1:], row[1:], strict=True):
        if cell:
            yield from (" " * INDENT + text for text in _labelled(column.heading, cell, width - INDENT))


def _labelled(label: str, value: str, width: int) -> list[str]:
    """The value beside its label where it fits, else under it."""
    line = f"{label}: {value}" if label else value
    if cell_len(line) <= width:
        return [line]
    under = [" " * INDENT + text for text in wrapped(value, width - INDENT)]
    return [*wrapped(f"{label}:", width), *under] if label else wrapped(value, width)
