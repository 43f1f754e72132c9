"""``token-difr watch``: a provider by near ties, again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.groups import RuleOptions
from token_difr.cli.manner import PaceOptions, PreflightOptions
from token_difr.cli.show import EXIT_CODES, note, run_kept
from token_difr.cli.ties import AskedOptions, Curve, HonestRuns, Spread, TiesFile, Tolerance, tie_rule
from token_difr.errors import EndpointError, InputError

__all__ = ["command", "seconds_of"]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(duration: str) -> float:
    """Such as ``90s``, ``15m``, ``1h`` or ``1d``, in seconds.

    Raises:
        InputError: Anything else.
    """
    number, unit = duration[:-1], duration[-1:]
    if unit not in UNITS or not number.isascii() or not number.isdigit() or int(number) == 0:
        raise InputError(f"--every takes a whole number and s, m, h or d, such as 1h, not {duration!r}")
    return float(int(number) * UNITS[unit])


@grouped
def command(
    *,
    asked: AskedOptions,
    ties: TiesFile,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the watch: a run directory a pass.")],
    baseline: Annotated[
        Path, typer.Option("--baseline", metavar="DIR", help="Run directory of a trusted provider on these ties.")
    ],
    every: Annotated[
        str | None,
        typer.Option("--every", metavar="TIME", help="Look again after that, such as 1h.  [default: look once]"),
    ] = None,
    per_look: Annotated[int, typer.Option("--per-look", min=1, help="Ties a look.")] = 20,
    tokenizer: options.TokenizerName = None,
    honest: HonestRuns = None,
    tolerance: Tolerance = None,
    spread: Spread = None,
    curve: Curve = None,
    judging: RuleOptions,
    pace: PaceOptions,
    preflight: PreflightOptions,
) -> None:
    """Watch a provider by near ties: a JSON line a look; the level is that of all looks together.

    Without --every one look, for cron: exit code 0, 1 or 3, as the verdict of its pass so far.
    """
    from token_difr.sequences import load_tokenizer
    from token_difr.ties import HonestFlips, TieSet
    from token_difr.ties.precision import precision_mismatch
    from token_difr.ties.watching import Look, alook, keep_look, watch

    preflight.checked(dry=False)
    seconds = None if every is None else seconds_of(every)
    rule = tie_rule(judging, tolerance)
    given = TieSet.load(ties)
    mismatch = precision_mismatch(given, asked.precision)
    if mismatch is not None:
        note(f"warning: {mismatch.text}", quiet=pace.quiet)
    how = {
        "tokenizer": load_tokenizer(tokenizer or given.tokenizer or asked.model),
        "baseline": baseline,
        "honest": honest or (),
        "spread": spread,
        "curve": None if curve is None else HonestFlips.load(curve),
        "preflight": not preflight.no_preflight,
        "concurrency": pace.concurrency,
        "progress": False,
        **asked.arguments(),
    }

    async def look() -> Look:
        async with asked.opened(pace) as client:
            seen = await alook(given, provider=client, out=out, rule=rule, most=per_look, **how)
        keep_look(out, seen)
        typer.echo(seen.to_json())
        return seen

    if seconds is None:
        raise typer.Exit(EXIT_CODES[run_kept(look, out).verdict])
    run_kept(lambda: watch(_patient(look, quiet=pace.quiet), every=seconds), out)


def _patient(look: Callable[[], Awaitable[Any]], *, quiet: bool) -> Callable[[], Awaitable[None]]:
    """The same, but that a provider which fails is asked again next time."""

    async def attempt() -> None:
        try:
            await look()
        except EndpointError as error:
            note(f"token-difr: {error}", quiet=quiet)

    return attempt
