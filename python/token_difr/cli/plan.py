"""``token-difr plan``: how many answers show a deviation."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from token_difr.planning import Plan
    from token_difr.run.pilot import Pilot
    from token_difr.verdict.deviation_table import DeviationTable

__all__ = ["command"]

SAMPLING = {"greedy": "T = 0", "sampled": "T > 0"}
"""At which temperature answers were asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasureOptions:
    """A table of deviations that is made."""

    measure: Annotated[
        Path | None,
        typer.Option("--measure", metavar="RUN", help="Measure what this impostor's run adds to that of --honest."),
    ] = None
    honest: Annotated[
        Path | None, typer.Option("--honest", metavar="RUN", help="With --measure: an honest provider's run.")
    ] = None
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="With --measure: the table, made or added to, for --deviations."),
    ] = None

    def check(self) -> None:
        """Raise an ``InputError`` unless all are given, or none."""
        given = {"--measure": self.measure, "--honest": self.honest, "--out": self.out}
        missing = [name for name, value in given.items() if value is None]
        if missing and len(missing) < len(given):
            raise InputError(f"--measure, --honest and --out go together; missing: {', '.join(missing)}")


@grouped
def command(
    *,
    pilot: Annotated[
        Path | None,
        typer.Option("--pilot", metavar="RUN", help="An honest provider's run: noise, lengths.  [default: the demo's]"),
    ] = None,
    power: Annotated[float, typer.Option("--power", help="How surely a deviation is to be seen.")] = 0.9,
    level: Annotated[float, typer.Option("--level", help='False-alarm rate of "divergent".')] = 0.01,
    sequences: Annotated[
        int | None,
        typer.Option("--sequences", min=1, help="The other way round: how surely so many answers a side show it."),
    ] = None,
    other_prompts: Annotated[
        bool, typer.Option("--other-prompts", help="The baseline was asked other prompts, so that nothing is paired.")
    ] = False,
    deviations: Annotated[
        Path | None,
        typer.Option("--deviations", metavar="FILE", help="A table of deviations.  [default: the demo's impostors]"),
    ] = None,
    deviation: Annotated[
        str | None, typer.Option("--deviation", metavar="NAME", help="This one alone; with --measure, its name.")
    ] = None,
    price_input: options.PriceInput = None,
    price_output: options.PriceOutput = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Answers a minute that the provider gives, for the hours.")
    ] = None,
    measuring: MeasureOptions,
    as_json: options.Json = False,
) -> None:
    """Say how many answers, tokens, dollars and hours an audit takes to show a deviation of known size.

    Each figure is for the provider; the baseline is asked as much once.
    """
    from token_difr.planning import Design, plan
    from token_difr.records import Rule
    from token_difr.services import Prices

    measuring.check()
    _check("--power", power, below=1.0)
    Rule(level=level)  # refuses what no verdict could be reached by
    _check("--rate", rate)
    prices = Prices.given(price_input, price_output)
    if measuring.measure is not None and measuring.honest is not None and measuring.out is not None:
        table, named = _measured(measuring.measure, measuring.honest, measuring.out, deviation)
        deviation = named
    else:
        table = _table(deviations)
    honest = _pilot(pilot)
    plans = [
        plan(
            each,
            table.noise[each.sampling] if honest is None else honest.noise,
            power,
            Design(level, paired=not other_prompts),
            sequences=sequences,
            prices=prices,
            rate=rate,
        )
        for each in table.deviations
        if (deviation is None or each.name == deviation) and (honest is None or each.sampling == honest.sampling)
    ]
    if not plans:
        raise InputError(_why_none(table, deviation, honest))
    _show(plans, table.model, power if sequences is None else None, level, as_json=as_json)


def _check(name: str, value: float | None, *, below: float = float("inf")) -> None:
    if value is not None and not 0 < value < below:
        limit = "" if below == float("inf") else f" and below {below:g}"
        raise InputError(f"{name} should be above 0{limit}, not {value!r}")


def _pilot(path: Path | None) -> Pilot | None:
    from token_difr.run.pilot import pilot_of

    return None if path is None else pilot_of(path)


def _table(path: Path | None) -> DeviationTable:
    from token_difr.verdict.deviation_table import known_table, read_table

    if path is None:
        return known_table()
    try:
        return read_table(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text, and so no table of deviations") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _measured(impostor: Path, honest: Path, out: Path, name: str | None) -> tuple[DeviationTable, str]:
    """The table with what was measured, which is kept in ``out``, and the deviation's name there."""
    from token_difr.planning import with_deviation
    from token_difr.run.pilot import deviation_of_runs
    from token_difr.verdict.deviation_table import read_table

    kept = _table(out) if out.exists() else None
    pilot, deviation = deviation_of_runs(impostor, honest, name)
    table = read_table(with_deviation(kept, pilot.model, pilot.noise, deviation).to_toml())
    out.write_text(table.to_toml(), encoding="utf-8")
    return table, table.deviations[-1].name


def _why_none(table: DeviationTable, deviation: str | None, honest: Pilot | None) -> str:
    named = ", ".join(f"{each.name!r} ({SAMPLING[each.sampling]})" for each in table.deviations) or "none"
    wanted = "no deviation" if deviation is None else f"no deviation {deviation!r}"
    how = "" if honest is None else f" for answers as the pilot's ({SAMPLING[honest.sampling]})"
    return f"there is {wanted}{how} in the table; it has {named}"


def _show(plans: list[Plan], model: str, wanted: float | None, level: float, *, as_json: bool) -> None:
    if as_json:
        values = [dataclasses.asdict(each) for each in plans]
        typer.echo(json.dumps({"measured_on": model, "power": wanted, "level": level, "deviations": values}, indent=2))
        return
    from token_difr.cli.show import show

    show([_grid(plans, model, wanted, level)])


def _grid(plans: list[Plan], model: str, wanted: float | None, level: float) -> RenderableType:
    from rich.text import Text

    from token_difr.planning import ROUGH_BELOW
    from token_difr.report import plain_table

    aim = "What so many answers show" if wanted is None else f"To show a deviation in {100 * wanted:g} % of audits"
    few = any(each.sequences is not None and each.sequences < ROUGH_BELOW for each in plans)
    rough = f" Of fewer than {ROUGH_BELOW} answers a power may be 20 points too high." if few else ""
    table = plain_table(f"{aim} at level {level:g}", caption=f"Deviations as large as on {model}.{rough}")
    columns = {
        "deviation": [each.deviation for each in plans],
        "asked at": [SAMPLING[each.sampling] for each in plans],
        "answers": ["over 1,000,000" if each.sequences is None else f"{each.sequences:,}" for each in plans],
        "prompt tokens": [_figure(each.prompt_tokens, ",") for each in plans],
        "output tokens": [_figure(each.output_tokens, ",") for each in plans],
        "cost": [_figure(each.cost, ",.4f") for each in plans],
        "hours": [_figure(each.hours, ",.2f") for each in plans],
        "power": [_figure(each.probability, ".0%") for each in plans],
    }
    shown = {heading: cells for heading, cells in columns.items() if any(cell != "-" for cell in cells)}
    for heading in shown:
        left = heading in {"deviation", "asked at"}
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    for row in zip(*shown.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
