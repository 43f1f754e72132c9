"""A report as JSON: the form that it is stored in, and strict, so what is not a finite number is ``null``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Decision, Report, Summary
from token_difr.report.record_json import record_from_json, record_to_json

__all__ = ["json_report", "report_from_json", "report_to_json", "summary_to_json"]

FORMAT = 5
SUMMARY_FORMAT = 1


def json_report(report: Report) -> str:
    """JSON, the form that a report is stored in."""
    text = json.dumps(report_to_json(report), indent=2, allow_nan=False)
    return text.replace("\x7f", "\\u007f") + "\n"  # the one control character that JSON's escapes leave


def report_to_json(report: Report) -> dict[str, Any]:
    """The report as JSON values, field names as in the records; an estimate is ``[value, low, high]``.

    The decision's fields stand at the top, the verdict first, beside the other parts of the report.
    """
    parts = record_to_json(report)
    return {"format": FORMAT, **parts.pop("decision"), **parts}


def report_from_json(values: object) -> Report:
    """The inverse of :func:`report_to_json`; ``null`` becomes NaN where a number belongs.

    Raises:
        InputError: A report of another format, or a damaged one; says where.
    """
    if not isinstance(values, dict):
        raise InputError("the report is damaged, decide the run again: it is no JSON object")
    number = values.get("format")
    if type(number) is int and number != FORMAT:
        raise InputError(f"the report has format {number}, this version reads {FORMAT}: decide the run again")
    if type(number) is not int:
        raise InputError("the report is damaged, decide the run again: it has no format number")
    try:
        return record_from_json(Report, _nested(values))
    except InputError as error:
        raise InputError(f"the report is damaged, decide the run again: {error}") from error


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a report, its decision in a part of its own."""
    names = {field.name for field in fields(Decision)}
    parts = {name: value for name, value in values.items() if name not in names and name != "format"}
    return {**parts, "decision": {name: value for name, value in values.items() if name in names}}


def summary_to_json(summary: Summary) -> dict[str, Any]:
    """The summary as JSON values, in the form that it has inside a report."""
    return {"format": SUMMARY_FORMAT, **record_to_json(summary)}
