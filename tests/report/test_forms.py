"""The table of forms."""

from __future__ import annotations

import pytest

from token_difr import InputError
from token_difr.records import Report
from token_difr.report import FORMS, forms_help, render


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_ends_its_last_line(reports: dict[str, Report], form: str) -> None:
    """One line break at the end, whichever report."""
    for report in reports.values():
        assert render(report, form).endswith("\n")
        assert not render(report, form).endswith("\n\n")


def test_every_form_has_words_for_the_help() -> None:
    """One line each, from its function."""
    assert [part.partition(": ")[0] for part in forms_help().split("; ")] == list(FORMS)


def test_other_forms_are_refused(reports: dict[str, Report]) -> None:
    """The error names those that there are."""
    with pytest.raises(InputError, match="no form 'pdf', it has terminal, json, markdown, junit"):
        render(reports["alone"], "pdf")
