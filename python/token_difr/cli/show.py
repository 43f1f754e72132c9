"""What several verbs print: a run's decision on standard output, notes on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from token_difr.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from token_difr.records import Decision, Finding, Parting
    from token_difr.run import RunDirectory
    from token_difr.sequences import Tokenizer

__all__ = ["EXIT_CODES", "interrupted_note", "local_tokenizer", "note", "show", "show_run"]

EXIT_CODES = {"consistent": 0, "divergent": 1, "inconclusive": 3}


def show(parts: Iterable[RenderableType]) -> None:
    """Print tables and text to standard output, a blank line after each."""
    from rich.console import Console

    console = Console()
    for part in parts:
        console.print(part)
        console.print()


def show_run(run: RunDirectory, decision: Decision, findings: Sequence[Finding], *, as_json: bool) -> typer.Exit:
    """Print the decision on ``run`` with its findings and the places where it parts; returns the exit to raise."""
    from token_difr.report import decision_tables, decision_to_json, findings_to_json

    if as_json:
        report = {**decision_to_json(decision), "findings": findings_to_json(findings)}
        typer.echo(json.dumps(report, indent=2, allow_nan=False))
    else:
        show([_what(run), *decision_tables(decision, _partings(run), findings)])
    return typer.Exit(EXIT_CODES[decision.verdict])


def note(text: str, *, quiet: bool) -> None:
    """A note on standard error."""
    if not quiet:
        typer.echo(text, err=True)


def interrupted_note(out: object) -> None:
    """What somebody who pressed Ctrl-C wants to know."""
    typer.echo(f"\ntoken-difr: stopped; what has arrived is in {out}, the same command goes on from there", err=True)


def _what(run: RunDirectory) -> Text:
    """What was audited, in one line."""
    from rich.text import Text

    who = run.identity
    return Text(f"{who.model} at {who.provider}, against {who.reference_model} at {who.reference}")


def local_tokenizer(run: RunDirectory) -> Tokenizer | None:
    """The tokenizer of ``run`` if it is on this machine; a run from another one can be shown without."""
    from token_difr.sequences import load_tokenizer

    try:
        return load_tokenizer(run.identity.tokenizer or run.identity.model or "", local_files_only=True)
    except InputError as error:
        note(f"token-difr: without the tokenizer, where the outputs part is not shown: {error}", quiet=False)
        return None


def _partings(run: RunDirectory) -> list[Parting]:
    from token_difr.report import worst_partings
    from token_difr.run.stages import scored

    tokenizer = local_tokenizer(run)
    if tokenizer is None:
        return []
    batch, sequences = run.batch(), run.sequences()
    return worst_partings(
        batch, scored(batch, run.identity), [sequences[index] for index in range(len(sequences))], tokenizer.decode
    )
