"""What several verbs print: a report on standard output, notes on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from token_difr.errors import InputError
from token_difr.interrupts import run_work

if TYPE_CHECKING:
    from rich.console import RenderableType

    from token_difr.cli.manner import ShownOptions
    from token_difr.records import Audit, Report
    from token_difr.sequences import Tokenizer

__all__ = ["EXIT_CODES", "interrupted_note", "local_tokenizer", "note", "run_kept", "show", "show_report"]

T = TypeVar("T")

PAGE = "html"
"""The form that shows answers too: it is made from the run directory, not from the report alone."""

EXIT_CODES = {"consistent": 0, "divergent": 1, "inconclusive": 3}


def show(parts: Iterable[RenderableType]) -> None:
    """Print tables and text to standard output, a blank line after each."""
    from rich.console import Console

    console = Console()
    for part in parts:
        console.print(part)
        console.print()


def show_report(report: Report, shown: ShownOptions, run: Path) -> typer.Exit:
    """Print the report of a run directory in the form that was asked for; returns the exit to raise."""
    if shown.chosen == PAGE:
        from token_difr.page import page_of
        from token_difr.run.manifest import read_manifest

        redacted = read_manifest(run).redacted is not None  # its ids could be read as text again
        text = page_of(run, None if redacted else local_tokenizer(report.audit))
    else:
        from token_difr.report import render

        text = render(report, shown.chosen)
    sys.stdout.write(text)  # typer's own would not escape what a terminal lacks
    return typer.Exit(EXIT_CODES[report.decision.verdict])


def note(text: str, *, quiet: bool) -> None:
    """A note on standard error."""
    if not quiet:
        typer.echo(text, err=True)


def run_kept(work: Callable[[], Coroutine[Any, Any, T]], out: Path) -> T:
    """What ``work`` gives, of which ``out`` keeps what arrives: who presses Ctrl-C is told so."""
    try:
        return run_work(work)
    except KeyboardInterrupt:
        interrupted_note(out)
        raise


def interrupted_note(out: Path) -> None:
    """What somebody who pressed Ctrl-C wants to know."""
    kept = f"what has arrived is in {out}, the same command goes on from there" if out.exists() else "nothing was asked"
    typer.echo(f"\ntoken-difr: stopped; {kept}", err=True)


def local_tokenizer(audit: Audit) -> Tokenizer | None:
    """The tokenizer of an audit if it is on this machine; a run from another one can be looked at without."""
    from token_difr.sequences import load_tokenizer

    try:
        return load_tokenizer(audit.tokenizer, local_files_only=True)
    except InputError as error:
        note(f"token-difr: without the tokenizer, where the outputs part is not shown: {error}", quiet=False)
        return None
