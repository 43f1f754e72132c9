"""The options of how a command goes about it: groups that no record holds, since no result depends on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from token_difr.cli import options
from token_difr.endpoint.bodies import MAX_ANSWER_MB
from token_difr.endpoint.client import MAX_RETRIES, TIMEOUT_SECONDS
from token_difr.errors import InputError
from token_difr.report import forms_help

if TYPE_CHECKING:
    from token_difr.run.spending import Ceiling

__all__ = ["DryRunOptions", "PaceOptions", "PreflightOptions", "ShownOptions", "UntilOptions"]


@dataclass(frozen=True, kw_only=True)
class PaceOptions:
    """How fast, how patiently and how loudly."""

    concurrency: options.Concurrency = 8
    max_retries: options.MaxRetries = MAX_RETRIES
    timeout: options.Timeout = TIMEOUT_SECONDS
    max_answer_mb: options.MaxAnswerMb = MAX_ANSWER_MB
    quiet: options.Quiet = False

    def of_client(self) -> dict[str, Any]:
        """What a client of either side is told, by the names of its arguments."""
        return {"max_retries": self.max_retries, "timeout_seconds": self.timeout, "max_answer_mb": self.max_answer_mb}


@dataclass(frozen=True, kw_only=True)
class DryRunOptions:
    """What a run would send and cost."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")] = False
    price_input: options.PriceInput = None
    price_output: options.PriceOutput = None


@dataclass(frozen=True, kw_only=True)
class UntilOptions:
    """Whether an audit ends at its verdict, and what it may take at most."""

    until: options.Until = None
    max_usd: Annotated[
        float | None,
        typer.Option(
            "--max-usd",
            metavar="USD",
            help="With --until: most that the answers may cost; takes --price-input and --price-output.",
        ),
    ] = None
    max_tokens_total: Annotated[
        int | None,
        typer.Option("--max-tokens-total", metavar="N", help="With --until: most tokens of prompts and answers."),
    ] = None

    def ceiling(self, prices: DryRunOptions) -> Ceiling | None:
        """That of an audit until a verdict; None of one that asks all.

        Raises:
            InputError: ``--until`` takes no such word, a ceiling without it, or one that cannot be kept.
        """
        from token_difr.run.spending import Ceiling
        from token_difr.services import Prices

        if not until_verdict(self.until):
            if self.max_usd is not None or self.max_tokens_total is not None:
                raise InputError(
                    "--max-usd and --max-tokens-total go with --until verdict: --dry-run prints what all would cost"
                )
            return None
        known = Prices.given(prices.price_input, prices.price_output)
        if self.max_usd is not None and known is None:
            raise InputError("--max-usd takes --price-input and --price-output, to keep below it")
        return Ceiling(cost=self.max_usd, tokens=self.max_tokens_total, prices=known)


def until_verdict(given: str | None) -> bool:
    """The value of ``--until``: whether a verdict ends the asking.

    Raises:
        InputError: It takes no such word.
    """
    if given not in {None, "verdict"}:
        raise InputError(f"--until takes verdict, not {given!r}")
    return given is not None


@dataclass(frozen=True, kw_only=True)
class PreflightOptions:
    """What is tried before anything is paid for."""

    no_preflight: Annotated[
        bool,
        typer.Option("--no-preflight", help="Do not ask each side for one token before the first answer is paid for."),
    ] = False
    check: Annotated[
        bool, typer.Option("--check", help="With --dry-run: do ask each side for that one token, and nothing else.")
    ] = False

    def checked(self, *, dry: bool) -> bool:
        """Whether each side is to be asked for one token in a dry run.

        Raises:
            InputError: ``--check`` without a dry run, or beside ``--no-preflight``.
        """
        if self.check and not dry:
            raise InputError("--check goes with --dry-run: an audit checks anyway")
        if self.check and self.no_preflight:
            raise InputError("give --check or --no-preflight, not both")
        return self.check


@dataclass(frozen=True, kw_only=True)
class ShownOptions:
    """How a report is shown on standard output."""

    form: Annotated[
        str,
        typer.Option(
            "--format", metavar="NAME", help=f"{forms_help()} html: One page with the answers token by token."
        ),
    ] = "terminal"
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False

    @property
    def chosen(self) -> str:
        """The form's name."""
        return "json" if self.as_json else self.form
