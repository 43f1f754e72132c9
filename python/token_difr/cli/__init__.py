"""The command line: one module a verb, each with a function ``command``.

Data go to standard output, all else to standard error. Exit codes: 0 = consistent (or done), 1 = divergent, 2 = wrong
usage or input, or an endpoint that fails, 3 = inconclusive, 130 = interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, NoReturn

import typer

from token_difr._core import __version__
from token_difr.errors import TokenDifrError

__all__ = ["VERBS", "app", "main"]

VERBS = ("demo", "audit", "collect", "tokenize", "reference", "score", "decide", "report", "serve")
"""The verbs in the order of ``--help``. Their modules import what is heavy only when they are called."""

BAD_INPUT = 2


def _app() -> typer.Typer:
    built = typer.Typer(
        name="token-difr",
        help="Audit LLM inference providers: do their output tokens diverge from a trusted reference?",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain text: readable without color, and the same in every terminal
    )
    built.callback()(_version)
    for verb in VERBS:
        built.command(verb)(import_module(f"token_difr.cli.{verb}").command)
    return built


def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"token-difr {__version__}")
        raise typer.Exit


app = _app()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; ``arguments`` are those of the process if not given."""
    try:
        app(arguments, prog_name="token-difr")
    except TokenDifrError as error:
        typer.echo(f"token-difr: {' '.join(str(error).split())}", err=True)
        sys.exit(BAD_INPUT)
    sys.exit(0)
