"""``token-difr runs``: what is done with whole run directories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from token_difr.cli import options

__all__ = ["app"]

app = typer.Typer(name="runs", help="Run directories: without their texts.", no_args_is_help=True)

NewDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="The directory to make.", show_default=False)]


@app.command()
def redact(run: options.Run, out: NewDirectory, *, quiet: options.Quiet = False) -> None:
    """Write RUN to DIR without its texts: token ids, rows, scores and checksums, which verify-run looks at. RUN stays as it is."""
    from token_difr.cli.show import note
    from token_difr.run.redacting import redact_run

    redact_run(run, out)
    note(
        f"the run without its texts is in {out}; its token ids can be decoded by whoever has the tokenizer", quiet=quiet
    )
