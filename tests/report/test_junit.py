"""JUnit: a file that continuous integration can show."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from token_difr.records import Report
from token_difr.report.junit import junit


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


@pytest.mark.parametrize(
    ("name", "outcome", "failures", "skipped"),
    [("divergent", "failure", "1", "0"), ("consistent", None, "0", "0"), ("alone", "skipped", "0", "1")],
)
def test_the_verdict_is_the_only_case(
    reports: dict[str, Report], name: str, outcome: str | None, failures: str, skipped: str
) -> None:
    """Divergent fails, inconclusive is skipped, each with its reason; the rest of the report is the output."""
    report = reports[name]
    suite = parsed(junit(report)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", failures, skipped)
    assert suite.get("name") == "token-difr: llama-3.1-8b-instruct-turbo at https://api.cheap.example/v1"
    (case,) = suite.findall("testcase")
    marks = {each.tag: each.get("message") for each in case if each.tag != "system-out"}
    assert marks == ({} if outcome is None else {outcome: report.decision.reason})
    assert (case.findtext("system-out") or "").startswith(f"{report.decision.verdict}: ")


def test_warnings_are_in_the_output(reports: dict[str, Report]) -> None:
    """They fail nothing."""
    output = parsed(junit(reports["consistent"])).findtext(".//system-out") or ""
    assert "warning  prompt token count" in output


def test_the_file_is_ascii(reports: dict[str, Report]) -> None:
    """Other characters are numbers in it, and come back."""
    text = junit(reports["divergent"])
    assert text.isascii()
    assert "漢字とは" in (parsed(text).findtext(".//system-out") or "")
