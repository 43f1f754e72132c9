"""Markdown: the verdict first, tables, and no markup but ours."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from token_difr.records import Report
from token_difr.report.markdown import markdown


def test_the_verdict_is_read_first_and_tables_are_whole(reports: dict[str, Report]) -> None:
    """Every row of a table has as many cells as its head."""
    for report in reports.values():
        text = markdown(report)
        assert text.startswith(f"**{report.decision.verdict}**: ")
        for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_the_deciding_statistic_is_marked(reports: dict[str, Report]) -> None:
    """By a star, and in bold."""
    assert "| **clipped\\_margin\\_0.1 \\*** | 0.2988 | 0.0012 | +0.2976 |" in markdown(reports["divergent"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b*c`d`", "a\\_b\\*c\\`d\\`"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("a|b\\|c", "a\\|b\\\\\\|c"),
        ("[x](javascript:1) ![y](z)", "\\[x\\](javascript:1) !\\[y\\](z)"),
        ("see HTTPS://a.example or WWW.b.example", "see HTTPS:\\//a.example or WWW\\.b.example"),
        ("@all, #1, $x$, ~~y~~", "@&#8203;all, \\#1, \\$x\\$, \\~\\~y\\~\\~"),
    ],
)
def test_text_of_others_is_no_markup(reports: dict[str, Report], text: str, shown: str) -> None:
    """Neither Markdown nor HTML, no link and no mention."""
    report = replace(reports["alone"], decision=replace(reports["alone"].decision, reason=text))
    assert markdown(report).splitlines()[0] == f"**inconclusive**: {shown}"
