"""The report of a run directory: strict JSON with a checksum, so that nobody's edit is shown as a verdict."""

from __future__ import annotations

import json
from pathlib import Path

from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import Report
from token_difr.report import report_from_json, report_to_json
from token_difr.run.files import write_whole
from token_difr.run.layout import REPORT
from token_difr.run.manifest import sealed, to_json, unsealed

__all__ = ["read_report", "report_to_bytes", "write_report"]


def write_report(path: Path, report: Report) -> None:
    """Keep ``report`` in place of an older one."""
    write_whole(path / REPORT, report_to_bytes(report))


def report_to_bytes(report: Report) -> bytes:
    """The file of ``report``."""
    return to_json(sealed(report_to_json(report)))


def read_report(path: Path) -> Report | None:
    """The report that is kept; None where there is none.

    Raises:
        RunDirectoryError: It was edited or damaged.
    """
    file = path / REPORT
    if not file.exists():
        return None
    try:
        return report_from_json(unsealed(json.loads(file.read_bytes())))
    except (OSError, ValueError, AttributeError, RecursionError, InputError) as error:
        raise RunDirectoryError(
            f"{file} was edited or damaged: {error}; token-difr decide {path} makes it anew from the scores"
        ) from error
