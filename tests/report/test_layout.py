"""Grids as lines: nothing is lost, nothing is too wide, no figure is split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from token_difr.report.grid import Column, Grid
from token_difr.report.layout import grid_lines, wrapped


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=200), st.integers(10, 80))
def test_wrapped_text_is_whole_and_fits(text: str, width: int) -> None:
    """Only spaces go, and only at a line's end."""
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("it is 97.12 %", ["it is", "97.12 %"]),
        ("with p = 0.0010", ["with", "p = 0.0010"]),
        ("  kept", ["  kept"]),
        ("supercalifragilistic", ["supercalif", "ragilistic"]),
        ("漢字漢字漢字", ["漢字漢字漢", "字"]),
        ("", [""]),
    ],
)
def test_where_lines_break(text: str, lines: list[str]) -> None:
    """At spaces, never between a figure and its sign."""
    assert wrapped(text, 10) == lines


GRID = Grid(
    "Table",
    (Column("name"), Column("figure", right=True), Column("meaning", least=12, beneath=True)),
    (("first", "97.12 %", "what it means in words"), ("second", "1.00 %", "")),
    strong=frozenset({0}),
    notes=("a note",),
)


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            60,
            [
                "Table",
                "name     figure  meaning",
                "first   97.12 %  what it means in words",
                "second   1.00 %",
                "a note",
            ],
        ),
        (
            30,
            [
                "Table",
                "name     figure  meaning",
                "first   97.12 %  what it means",
                "                 in words",
                "second   1.00 %",
                "a note",
            ],
        ),
        (
            20,
            [
                "Table",
                "name     figure",
                "first   97.12 %",
                "    what it means in",
                "    words",
                "second   1.00 %",
                "a note",
            ],
        ),
        (
            14,
            [
                "Table",
                "first",
                "  figure:",
                "    97.12 %",
                "  meaning:",
                "    what it",
                "    means in",
                "    words",
                "second",
                "  figure:",
                "    1.00 %",
                "a note",
            ],
        ),
    ],
)
def test_beside_beneath_stacked(width: int, lines: list[str]) -> None:
    """Three ways to lay a grid out, the first that fits."""
    assert [line.text for line in grid_lines(GRID, width)] == lines


def test_what_stands_out() -> None:
    """The title and the strong rows."""
    assert [line.text for line in grid_lines(GRID, 60) if line.strong] == [
        "Table",
        "first   97.12 %  what it means in words",
    ]


def test_a_number_that_begins_a_block_keeps_its_heading() -> None:
    """A bare number would say nothing."""
    grid = Grid(
        "t", (Column("sequence", right=True), Column("token", right=True), Column("after")), (("17", "4", "x" * 9),)
    )
    assert [line.text for line in grid_lines(grid, 20)][1:] == ["sequence: 17", "  token: 4", "  after: xxxxxxxxx"]
