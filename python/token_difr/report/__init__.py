"""A report in a form to read or to store: terminal, JSON, Markdown, JUnit. It decides nothing and computes nothing."""

from token_difr.report.figures import percent
from token_difr.report.forms import FORMS, forms_help, render
from token_difr.report.json_report import report_from_json, report_to_json, summary_to_json
from token_difr.report.markdown import grids_markdown
from token_difr.report.record_json import finite_json, record_to_json
from token_difr.report.terminal import grids_text, plain_table, summary_table, terminal_parts, verdict_text

__all__ = [
    "FORMS",
    "finite_json",
    "forms_help",
    "grids_markdown",
    "grids_text",
    "percent",
    "plain_table",
    "record_to_json",
    "render",
    "report_from_json",
    "report_to_json",
    "summary_table",
    "summary_to_json",
    "terminal_parts",
    "verdict_text",
]
