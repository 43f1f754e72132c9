"""The forms that a report can be shown in. A new one is a module, and a line here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Final

from token_difr.errors import InputError
from token_difr.records import Report
from token_difr.report.json_report import json_report
from token_difr.report.junit import junit
from token_difr.report.markdown import markdown
from token_difr.report.terminal import terminal

__all__ = ["FORMS", "forms_help", "render"]

FORMS: Final[Mapping[str, Callable[[Report], str]]] = {
    "terminal": terminal,
    "json": json_report,
    "markdown": markdown,
    "junit": junit,
}


def render(report: Report, form: str) -> str:
    """The report in the form of that name, a line break at its end.

    Raises:
        InputError: A form that is not known.
    """
    if form not in FORMS:
        raise InputError(f"a report has no form {form!r}, it has {', '.join(FORMS)}")
    return FORMS[form](report)


def forms_help() -> str:
    """Every form with its words, as help of an option: the first line of each function's docstring."""
    words = (
        (name, (inspect.getdoc(function) or name).partition("\n")[0].rstrip(".")) for name, function in FORMS.items()
    )
    return "; ".join(f"{name}: {text}" for name, text in words) + "."
