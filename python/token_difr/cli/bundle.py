"""``token-difr bundle``: runs in one file to send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from token_difr.cli import options

__all__ = ["command"]


def command(
    runs: Annotated[
        Path, typer.Argument(metavar="RUN|FOLDER", help="A run directory, or a folder of some.", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make, e.g. run.zip.", show_default=False)],
    *,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="DIR", help="Pack the run that they were compared with too.")
    ] = None,
    redact: options.Redact = False,
    quiet: options.Quiet = False,
) -> None:
    """Pack a run, or all runs below a folder, into one file; token-difr verify-run FILE looks at it. Nothing else is packed."""
    from token_difr.cli.show import note
    from token_difr.run.bundle import write_bundle

    names = write_bundle(runs, out, redact=redact, baseline=baseline)
    what = "without their texts" if redact else "with all prompts and answers (--redact leaves them out)"
    note(
        f"{out} holds {len(names)} runs, {what}: {', '.join(names[:10])}{' ...' if len(names) > 10 else ''}",
        quiet=quiet,
    )
