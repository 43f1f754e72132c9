"""``token-difr runs``: what is done with whole run directories."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.cli import options
from token_difr.errors import InputError, RunDirectoryError

if TYPE_CHECKING:
    from token_difr.run.removing import Removable

__all__ = ["app"]

LONGEST_CELL = 120

app = typer.Typer(
    name="runs", help="Run directories: list them, take out their texts, remove them.", no_args_is_help=True
)

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


@app.command()
def rm(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="The run directories.", show_default=False)],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Remove run directories and nothing else. What is no run, is in use or holds another file is refused, and then none is removed."""
    from token_difr.cli.show import note
    from token_difr.run.removing import removable, remove_run

    doomed = {run.resolve(): removable(run) for run in runs}.values()
    if not yes:
        _confirm([_told(each) for each in doomed])
    for each in doomed:
        note(f"removed {_told(remove_run(each.path))}", quiet=quiet)


@app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with runs below it.", show_default=False)],
) -> None:
    """List the runs in a folder: who was asked, how far it went, what it came to."""
    from token_difr.cli.show import show
    from token_difr.report import plain_table
    from token_difr.run.finding_runs import runs_in
    from token_difr.untrusted import printable

    table = plain_table("")
    for heading in ("run", "provider", "model", "begun", "answers", "verdict"):
        table.add_column(heading, overflow="fold")
    for name, path in runs_in(folder, alone=str(folder)).items():
        table.add_row(*(printable(cell, longest=LONGEST_CELL) for cell in (name, *_row(path))))
    show([table])


def _row(path: Path) -> tuple[str, ...]:
    """What a table says of a run; a damaged one is said to be that."""
    from contextlib import suppress

    from token_difr.run import RunDirectory

    try:
        with RunDirectory.read(path) as run:
            asked, verdict = run.audit.asked, "none"
            answers = f"{len(run.responses())} of {len(run.prompts)}"
            with suppress(RunDirectoryError):  # not finished, or its report is damaged
                report = run.report()
                verdict = verdict if report is None else report.decision.verdict.value
            if run.redacted:
                answers += ", no texts"
            names = ("?", "?") if asked is None else (asked.provider, asked.model)
            return *names, run.started or "?", answers, verdict
    except InputError as error:
        return "?", "?", "?", "?", f"damaged: {error}"


def _confirm(told: list[str]) -> None:
    """Ask on a terminal.

    Raises:
        InputError: There is none, or the answer is no.
    """
    for each in told:
        typer.echo(f"to be removed: {each}", err=True)
    if not sys.stdin.isatty():
        raise InputError("nothing was removed: give --yes, as there is no terminal to ask on")
    if not typer.confirm(f"Remove {'it' if len(told) == 1 else 'these'} for good?", err=True):
        raise InputError("nothing was removed")


def _told(run: Removable) -> str:
    from token_difr.untrusted import printable

    asked, prompts = run.audit.asked, run.audit.prompts
    whom = (
        ""
        if asked is None
        else f" of {printable(asked.model, longest=LONGEST_CELL)} at {printable(asked.provider, longest=LONGEST_CELL)}"
    )
    count = 0 if prompts is None else prompts.count
    return f"{run.path}: {len(run.files)} files, {run.bytes / 1e6:.1f} MB; {count} prompts{whom}, begun {run.started or 'at a time not known'}"
