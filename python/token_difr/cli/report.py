"""``token-difr report``: the report of a run directory, shown again."""

from __future__ import annotations

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.manner import ShownOptions
from token_difr.errors import RunDirectoryError

__all__ = ["command"]


@grouped
def command(run: options.Run, *, shown: ShownOptions) -> None:
    """Show the report that RUN holds on its present scores. The exit code is the verdict."""
    from token_difr.cli.show import show_report
    from token_difr.run import RunDirectory

    with RunDirectory.read(run) as directory:
        report = directory.report()
    if report is None:
        raise RunDirectoryError(f"{run} has no verdict on the scores that it holds: token-difr decide {run}")
    raise show_report(report, shown, run)
