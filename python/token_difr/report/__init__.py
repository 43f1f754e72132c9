"""Verdict -> something to read: a terminal table, JSON."""

from token_difr.records import Parting
from token_difr.report.json_report import (
    decision_from_json,
    decision_to_json,
    findings_from_json,
    findings_to_json,
    summary_to_json,
)
from token_difr.report.terminal import decision_tables, findings_table, summary_table
from token_difr.verdict.partings import worst_partings

__all__ = [
    "Parting",
    "decision_from_json",
    "decision_tables",
    "decision_to_json",
    "findings_from_json",
    "findings_table",
    "findings_to_json",
    "summary_table",
    "summary_to_json",
    "worst_partings",
]
