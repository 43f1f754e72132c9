"""``token-difr verify-run``: is a run what its report says?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["command"]

LONGEST_NAME = 400
WORDS = {True: "ok", False: "FAILED", None: "not looked at"}


def command(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The run directory, or a bundle of some.", show_default=False)
    ],
    *,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline", metavar="DIR", help="Where the baseline's run is now.  [default: as the report says]"
        ),
    ] = None,
) -> None:
    """Make scores and verdict of RUN anew, offline, and compare them with what it says: was anything changed since?

    A bundle is unpacked to a place of its own, which is removed again. Exit code 0 if all is as it was, 2 if not, 3 if not all
    could be looked at.
    """
    from rich.text import Text

    from token_difr.cli.show import local_tokenizer, show
    from token_difr.report import plain_table
    from token_difr.run.manifest import read_manifest
    from token_difr.run.verifying import verify_run
    from token_difr.run.verifying_bundles import verify_bundle
    from token_difr.untrusted import printable

    if run.is_file():
        checked = verify_bundle(run, baseline, local_tokenizer)
    else:
        manifest = read_manifest(run)
        tokenizer = None if manifest.redacted is not None else local_tokenizer(manifest.audit)
        checked = {"": verify_run(run, baseline, tokenizer)}
    for name, checks in checked.items():
        table = plain_table(printable(name, longest=LONGEST_NAME))
        for heading in ("", "what", "found"):
            table.add_column(heading, overflow="fold")
        for check in checks:
            table.add_row(WORDS[check.held], check.name, Text(printable(check.text, longest=500)))
        show([table])
    held = [check.held for checks in checked.values() for check in checks]
    raise typer.Exit(2 if False in held else 3 if None in held else 0)
