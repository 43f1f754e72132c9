"""No text in a report can forge a line of it, run in whatever shows it, or bury it."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from token_difr.records import Report
from token_difr.report import FORMS, render, report_to_json
from token_difr.report.terminal import terminal
from token_difr.untrusted.text import ESCAPED_CATEGORIES

HOSTILE = {
    "escape sequence": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "rich markup": "[bold red]consistent[/] :smile: [link=https://evil.example]x[/link]",
    "html": "<script>alert(1)</script><!-- --> &lt; ]]>",
    "table": "a | b || c\\| d",
    "backticks": "```\n# consistent\n```` `x`",
    "bidi": "\u202econsistent\u2066\u200b",
    "newline": "a\r\nconsistent: all is well\x0b\x85\u2028\u2029b",
    "not in xml": "\x00\x08\ufffe\uffff\ud800\x7f",
    "long": "x" * 1_000_000,
    "long words": "漢 字" * 300_000,
}


def poisoned(value: Any, text: str) -> Any:
    """The same value with ``text`` for every text in it; without the records' own checks, which some would not pass."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value if value in {"warning", "note"} else text
    if isinstance(value, Mapping):
        return dict.fromkeys([text], poisoned(next(iter(value.values())), text))
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(poisoned(item, text) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = copy.copy(value)
        for field in dataclasses.fields(value):
            object.__setattr__(made, field.name, poisoned(getattr(value, field.name), text))
        return made
    return value


@pytest.fixture(params=sorted(HOSTILE))
def hostile(request: pytest.FixtureRequest, reports: dict[str, Report]) -> Report:
    """A report with one kind of text everywhere."""
    report: Report = poisoned(reports["divergent"], HOSTILE[request.param])
    return report


def hidden(text: str) -> set[str]:
    """Its control characters, bidirectional marks and characters that are none, the line break aside."""
    return {char for char in set(text) if unicodedata.category(char) in ESCAPED_CATEGORIES} - {"\n"}


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"json"}))
def test_no_form_to_read_has_a_control_character(hostile: Report, form: str) -> None:
    """Nor is it any longer for a megabyte in each of its texts."""
    text = render(hostile, form)
    assert hidden(text) == set()
    assert len(text) < 100_000


def test_the_terminal_shows_markup_as_it_stands(reports: dict[str, Report]) -> None:
    """Its only escape sequences are our styles."""
    for text in HOSTILE.values():
        console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
        shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal(poisoned(reports["divergent"], text), console))
        assert "\x1b" not in shown
        assert sum(line.startswith(("divergent:", "consistent:")) for line in shown.splitlines()) == 1
        if "[bold" in text:
            assert "[bold red]consistent[/] :smile:" in shown


def test_markdown_has_no_markup_but_ours(hostile: Report) -> None:
    """No HTML, no code, no link, and rows of as many cells as their head."""
    text = render(hostile, "markdown")
    assert not re.search(r"<|(?<!\\)`|(?<!\\)\[|://", re.sub(r"\\\\", "", text))
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = re.sub(r"\\.", "", table).splitlines()
        assert len({row.count("|") for row in rows}) == 1


def test_junit_is_well_formed(hostile: Report) -> None:
    """One case that fails."""
    suites = ET.fromstring(render(hostile, "junit"))  # noqa: S314 - our own
    assert [each.tag for each in suites.iter()] == ["testsuites", "testsuite", "testcase", "failure", "system-out"]


def test_json_keeps_all(reports: dict[str, Report]) -> None:
    """It is what is stored: nothing is shortened, and what cannot be seen is escaped."""
    for text in HOSTILE.values():
        report = poisoned(reports["divergent"], text[:20_000])
        stored = render(report, "json")
        assert hidden(stored) == set()
        assert json.loads(stored) == report_to_json(report)
