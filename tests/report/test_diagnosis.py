"""Where and why, in every form that people read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from token_difr.records import Report
from token_difr.report import render
from token_difr.report.sections import causes, sections


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_causes_stand_first(reports: dict[str, Report], form: str) -> None:
    """Ahead of all figures, with what to do; how surely the records show them is said."""
    text = render(reports["divergent"], form)
    assert text.index("What was compared") < text.index("Why the outputs part") < text.index("What was scored")
    for words in ("system prompt", "shown", "dated template", "left open", "give the date", "1 %"):
        assert words in text


def test_only_what_differs_is_listed(reports: dict[str, Report]) -> None:
    """Of two cells the one; how many there are is said."""
    [grid] = [grid for grid in sections(reports["divergent"]) if grid.title == "Where the outputs part, by kind"]
    assert grid.rows == (("position: first", "200", "25.00 %", "1.00 %", "+18.00 +30.00", "0.250"),)
    assert grid.notes[0].startswith("1 of 2 kinds")


def test_nothing_is_said_of_nothing(reports: dict[str, Report]) -> None:
    """Without a diagnosis, or where nothing differs and no cause is known, there is no section."""
    report = reports["divergent"]
    assert report.diagnosis is not None
    same = tuple(replace(cell, differs=False) for cell in report.diagnosis.cells)
    for diagnosis in (None, replace(report.diagnosis, cells=same, causes=())):
        plain = replace(report, diagnosis=diagnosis)
        assert causes(plain) == []
        assert not {"Why the outputs part", "Where the outputs part, by kind"} & {
            each.title for each in sections(plain)
        }
