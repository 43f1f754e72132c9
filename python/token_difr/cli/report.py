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
    redact: options.Redact = False,
    shown: ShownOptions,
) -> None:
    """Show the report that RUN holds on its present scores. The exit code is the verdict."""
    from tempfile import TemporaryDirectory

    from token_difr.run.redacting import redact_run

    if not redact:
        raise _shown(run, plots, shown)
    with TemporaryDirectory() as folder:
        redact_run(run, Path(folder) / "run")
        raise _shown(Path(folder) / "run", plots, shown)


def _shown(run: Path, plots: Path | None, shown: ShownOptions) -> typer.Exit:
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
    return show_report(report, shown, run)
