"""A table before it has a form: text alone, safe to show, which every form lays out in its own way."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Column", "Grid"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a grid.

    Attributes:
        heading: What stands above it; may be empty.
        right: Whether its cells stand at the right, as figures do.
        least: The least width, in characters, that its cells may be wrapped to; None = they are never wrapped.
        beneath: Whether its cells may stand under their row where there is no room beside the others.
    """

    heading: str = ""
    right: bool = False
    least: int | None = None
    beneath: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A titled table of text.

    Attributes:
        title: What it shows.
        columns: The columns.
        rows: One cell a column, each on one line and without control characters.
        strong: Indexes of the rows that stand out; words or signs in them say the same.
        notes: What stands under it, a line each.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    strong: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
