"""The command line: one module a verb, each with a function ``command``; some groups (``GROUPS``) have verbs of their own.

Data go to standard output, all else to standard error. Exit codes:

    0    consistent, or done
    1    divergent; nothing else exits so
    2    wrong usage or input, an endpoint that fails, or a place that cannot be written
    3    inconclusive
    70   an error of token-difr itself; TOKEN_DIFR_DEBUG=1 shows its traceback
    130  interrupted
    141  whoever read standard output closed it before the end
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from token_difr._core import __version__
from token_difr.cli.faults import is_closed_pipe, system_message
from token_difr.errors import TokenDifrError
from token_difr.interrupts import INTERRUPTED
from token_difr.untrusted import printable

__all__ = ["VERBS", "app", "main"]

VERBS = (
    "demo",
    "audit",
    "collect",
    "tokenize",
    "reference",
    "score",
    "decide",
    "report",
    "verify-run",
    "bundle",
    "plan",
    "repair",
    "watch",
    "probe",
    "serve",
)
"""The verbs in the order of ``--help``. Their modules import what is heavy only when they are called."""

GROUPS = ("ties", "campaign", "rollouts", "runs")
"""Groups of verbs of their own."""

BAD_INPUT = 2
INTERNAL_ERROR = 70
CLOSED_PIPE = 141

DEBUG_VARIABLE = "TOKEN_DIFR_DEBUG"

LONGEST_MESSAGE = 2000
"""Characters of a message that are shown; an endpoint may have written a part of it."""

UsageError: type[typer.BadParameter] = typer.BadParameter.mro()[1]
"""click's; taken from typer, since some versions of typer come with a click of their own."""


def _app(verb: str | None = None) -> typer.Typer:
    """The command line; with one verb alone where it is known which, since the modules of all take long to import."""
    built = typer.Typer(
        name="token-difr",
        help="Audit LLM inference providers: do their output tokens diverge from a trusted reference?",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain text: readable without color, and the same in every terminal
    )
    built.callback()(_version)
    for name in VERBS:
        if verb in {None, name}:
            built.command(name)(import_module(f"token_difr.cli.{name.replace('-', '_')}").command)
    for name in GROUPS:
        if verb in {None, name}:
            built.add_typer(import_module(f"token_difr.cli.{name}").app, name=name)
    return built


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"token-difr {__version__}")
        raise typer.Exit


def _version(
    version: Annotated[  # its callback does the work, before a command is missed
        bool, typer.Option("--version", callback=_show_version, help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """The options that stand before a command."""


def __getattr__(name: str) -> Any:
    """``app``, the whole command line: made when it is asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = _app()
    return globals()["app"]


def _commands(arguments: list[str]) -> Any:
    """What typer makes of the command line, or of the one verb that is named."""
    if arguments[:1] and arguments[0] in {*VERBS, *GROUPS}:
        return _commands_of(_app_of(arguments[0]))
    from token_difr import cli

    return _commands_of(cli.app)


@cache
def _app_of(verb: str) -> typer.Typer:
    return _app(verb)


@lru_cache(maxsize=len(VERBS))
def _commands_of(built: typer.Typer) -> Any:
    return get_command(built)  # which takes as long as a small audit: once a process


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; ``arguments`` are those of the process if not given."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a character gets its escape
    code = _run(arguments)
    _finish_output()
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    """The exit code of the command; every error ends here."""
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        named = _in_full(given)
        code: int | None = _commands(named)(named, prog_name="token-difr", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()  # now, while a closed pipe can still be told from a verdict
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the process ends with it
        return _exit_code(error)
    return code or 0


def _in_full(arguments: list[str]) -> list[str]:
    """``audit --ties FILE`` is ``ties audit``: an audit, but one that asks no reference and brings its own prompts."""
    of_ties = any(argument == "--ties" or argument.startswith("--ties=") for argument in arguments)
    return ["ties", *arguments] if arguments[:1] == ["audit"] and of_ties else arguments


def _exit_code(error: BaseException) -> int:
    """Say what went wrong, and with what code to exit."""
    if isinstance(error, UsageError):
        with contextlib.suppress(OSError, ValueError):  # standard error may be closed too
            error.show()
        return BAD_INPUT
    if isinstance(error, TokenDifrError):
        _say(str(error))
        return BAD_INPUT
    if isinstance(error, typer.Abort) and not isinstance(error.__cause__, EOFError):
        return INTERRUPTED
    # typer and rich make a SystemExit(1) of a closed pipe, and typer an Abort of an EOFError.
    if is_closed_pipe(error):
        return CLOSED_PIPE
    message = system_message(error)
    if message is None:
        return _internal_error(error.__cause__ or error)
    _say(message)
    return BAD_INPUT


def _internal_error(error: BaseException) -> int:
    _say(f"internal error: {type(error).__name__}: {error}; set {DEBUG_VARIABLE}=1 for the traceback")
    if os.environ.get(DEBUG_VARIABLE):
        with contextlib.suppress(OSError, ValueError):
            traceback.print_exception(error)
    return INTERNAL_ERROR


def _say(message: str) -> None:
    """One line on standard error, which may be closed; the exit code tells the rest."""
    line = printable(" ".join(message.split()), longest=LONGEST_MESSAGE)
    with contextlib.suppress(OSError, ValueError):
        typer.echo(f"token-difr: {line}", err=True)


def _finish_output() -> None:
    """Write what is left of standard output, or let it go nowhere: Python would try once more, and complain."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _discard_output()


def _discard_output() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
