"""``token-difr report``: the report of a run directory, shown again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.manner import ShownOptions
from token_difr.errors import RunDirectoryError

__all__ = ["command"]


@grouped
def command(
    run: options.Run,
    *,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            metavar="DIR",
            help="Write the charts of --format html there, as SVG; as PNG too with the extra plots.",
        ),
    ] = None,
    shown: ShownOptions,
) -> None:
    """Show the report that RUN holds on its present scores. The exit code is the verdict."""
    from token_difr.cli.show import note, show_report
    from token_difr.run import RunDirectory

    with RunDirectory.read(run) as directory:
        report = directory.report()
    if report is None:
        raise RunDirectoryError(f"{run} has no verdict on the scores that it holds: token-difr decide {run}")
    if plots is not None:
        from token_difr.page.plots import write_plots

        for written in write_plots(run, plots):
            note(f"written: {written}", quiet=False)
    raise show_report(report, shown, run)
