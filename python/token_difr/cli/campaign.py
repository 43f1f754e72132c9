"""``token-difr campaign``: many providers asked the same, date by date."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from token_difr.cli import options
from token_difr.cli.grouped import grouped
from token_difr.cli.show import EXIT_CODES, note, run_kept
from token_difr.errors import InputError
from token_difr.interrupts import run_work
from token_difr.untrusted import printable

if TYPE_CHECKING:
    from token_difr.records import CampaignReport

__all__ = ["app", "exit_code"]

app = typer.Typer(
    help="Many providers of a model, asked the same, date by date.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The campaign, a TOML file.", show_default=False)]
FORMS = ("terminal", "markdown", "json")
LONGEST_LINE = 400
NOT_ANSWERING = 2
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class ShownOptions:
    """In which form a campaign is shown."""

    form: Annotated[str, typer.Option("--format", metavar="NAME", help="terminal, markdown or json.")] = FORMS[0]
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False

    def chosen(self) -> str:
        """The form's name.

        Raises:
            InputError: There is no such form.
        """
        chosen = "json" if self.as_json else self.form
        if chosen not in FORMS:
            raise InputError(f"--format takes one of {', '.join(FORMS)}, not {chosen!r}")
        return chosen


@dataclass(frozen=True, kw_only=True)
class PlaceOptions:
    """Which part of a campaign, and where it is kept."""

    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder of the campaign: a folder a date.  [default: FILE without .toml]"
        ),
    ] = None
    full: Annotated[bool, typer.Option("--full", help="Audit whole answers, whatever FILE says.")] = False
    date: Annotated[
        str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Go on with that date.  [default: today, in UTC]")
    ] = None

    def folder(self, campaign: Path) -> Path:
        """Where it is kept.

        Raises:
            InputError: The file has no ending that could be left out.
        """
        folder = campaign.with_suffix("") if self.out is None else self.out
        if folder == campaign:
            raise InputError(f"{campaign} has no ending that could be left out: give --out")
        return folder


@app.command("check")
@grouped
def check(campaign: File, *, place: PlaceOptions) -> None:
    """Ask everybody for a token or a few, and say what a run would send and cost. Exit code 2: somebody does not answer."""
    from token_difr.campaign import check_campaign, read_campaign
    from token_difr.campaign.folder import parsed_date
    from token_difr.campaign.table import checked_grid
    from token_difr.report import grids_text

    read, day = read_campaign(campaign, full=place.full), parsed_date(place.date)
    checked = run_work(lambda: check_campaign(read, place.folder(campaign), day))
    sys.stdout.write(grids_text([checked_grid(checked)]))
    known = sum(each.estimate.max_cost or 0.0 for each in checked)
    if read.budget is not None and known > read.budget:
        raise InputError(f"a run may cost {known:,.4f}, and the budget is {read.budget:,.4f}")
    raise typer.Exit(NOT_ANSWERING if any(each.failure is not None for each in checked) else 0)


@app.command("run")
@grouped
def run(campaign: File, *, place: PlaceOptions, shown: ShownOptions, quiet: options.Quiet = False) -> None:
    """Ask all providers and judge them: a run directory each in DIR/DATE. The same command again asks for what is missing."""
    from token_difr.campaign import read_campaign, report_of, run_campaign
    from token_difr.campaign.folder import parsed_date

    read, day = read_campaign(campaign, full=place.full), parsed_date(place.date)
    folder, form = place.folder(campaign), shown.chosen()

    def tell(provider: str, what: str) -> None:
        line = printable(" ".join(what.split()), longest=LONGEST_LINE)
        note(f"{provider}: {line}", quiet=quiet)

    run_kept(lambda: run_campaign(read, folder, day, tell=tell), folder)
    note(f"the campaign is kept in {folder}", quiet=quiet)
    raise _show(report_of(folder), form)


@app.command("report")
@grouped
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the campaign.", show_default=False)],
    *,
    every_date: Annotated[bool, typer.Option("--every-date", help="Show the providers of all dates.")] = False,
    shown: ShownOptions,
) -> None:
    """Show a campaign from its folder alone: verdicts, groups, who answers as one, and since when who has changed."""
    from token_difr.campaign import report_of

    form = shown.chosen()
    raise _show(report_of(folder), form, every_date=every_date)


def exit_code(report: CampaignReport) -> int:
    """1 where a provider diverges on the last date, or has changed; 3 where one is not judged; else 0."""
    last = [each for each in report.days[-1].standings if each.role == "candidate"]
    verdicts = {each.verdict for each in last}
    if any(each.seen is not None for each in report.changes) or "divergent" in verdicts:
        return EXIT_CODES["divergent"]
    return EXIT_CODES["consistent"] if verdicts <= {"consistent"} else EXIT_CODES["inconclusive"]


def _show(report: CampaignReport, form: str, *, every_date: bool = False) -> typer.Exit:
    """Print the report; returns the exit to raise."""
    from token_difr.campaign.table import report_grids
    from token_difr.report import grids_markdown, grids_text, record_to_json

    if form == "json":
        text = json.dumps({"format": FORMAT, **record_to_json(report)}, indent=2, allow_nan=False) + "\n"
    else:
        grids = report_grids(report, every_date=every_date)
        text = grids_text(grids) if form == "terminal" else grids_markdown(grids)
    sys.stdout.write(text)
    return typer.Exit(exit_code(report))
