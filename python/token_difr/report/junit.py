"""A report as a JUnit file, the form of test results that continuous integration shows.

A divergent verdict is a failure, an inconclusive one is skipped. Findings change no verdict: they stand in the case's
output, with the rest of the report as text. All text of others has gone through
:func:`~token_difr.untrusted.printable`, which leaves no character that XML forbids.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from token_difr.records import Report, Verdict
from token_difr.report.layout import grid_lines
from token_difr.report.sections import reason, sections
from token_difr.untrusted import printable

__all__ = ["junit"]

WIDTH = 100  # of the text, in characters
LONGEST_NAME = 200


def junit(report: Report) -> str:
    """JUnit XML, for continuous integration."""
    verdict = report.decision.verdict
    failures, skipped = str(int(verdict is Verdict.DIVERGENT)), str(int(verdict is Verdict.INCONCLUSIVE))
    counts = {"tests": "1", "failures": failures, "errors": "0", "skipped": skipped}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": _suite_name(report), **counts})
    case = ET.SubElement(suite, "testcase", {"classname": "token-difr", "name": "verdict"})
    outcome = {Verdict.DIVERGENT: "failure", Verdict.INCONCLUSIVE: "skipped"}.get(verdict)
    if outcome is not None:
        ET.SubElement(case, outcome, {"message": reason(report), "type": verdict.value})
    ET.SubElement(case, "system-out").text = _text(report)
    ET.indent(suites)
    # In ASCII, every other character as its number: the same file whatever the encoding of standard output.
    xml: bytes = ET.tostring(suites, encoding="us-ascii", xml_declaration=True)
    return xml.decode("ascii") + "\n"


def _suite_name(report: Report) -> str:
    asked = report.audit.asked
    if asked is None:
        return "token-difr"
    model, provider = (printable(name, longest=LONGEST_NAME) for name in (asked.model, asked.provider))
    return f"token-difr: {model} at {provider}"


def _text(report: Report) -> str:
    blocks = [f"{report.decision.verdict.value}: {reason(report)}"]
    blocks += ["\n".join(line.text for line in grid_lines(grid, WIDTH)) for grid in sections(report)]
    return "\n\n".join(blocks)
