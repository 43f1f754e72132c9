"""A campaign as tables to read, in a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from token_difr.campaign.checking import Checked
from token_difr.records import CampaignDay, CampaignReport, ChangeSeen, SharedPair, Standing
from token_difr.report.figures import UNKNOWN, percent
from token_difr.report.grid import Column, Grid
from token_difr.untrusted import printable

__all__ = ["checked_grid", "report_grids"]

LONGEST = 300

STANDING_COLUMNS = (
    Column("provider"),
    Column("verdict"),
    *(Column(heading, right=True) for heading in ("answers", "mismatch", "p", "p (Holm)")),
    Column("group"),
    Column("served by something else", right=True),
    Column("what it is", least=30, beneath=True),
)

NOTES = (
    "p (Holm): adjusted for all candidates; divergent is below {level:g}.",
    "group: who shares a letter is not told apart (pairwise tests, Benjamini-Hochberg at {level:g}).",
    (
        "served by something else: share of the requests at least, whatever it is (95 %); in brackets the interval, if it is weights "
        "of 4 bits or fewer, or another model."
    ),
)


def report_grids(report: CampaignReport, *, every_date: bool = False) -> list[Grid]:
    """The last date's providers, pairs that answer as one, and each provider over its dates.

    Args:
        report: The report.
        every_date: Show the providers of all dates.
    """
    days = report.days if every_date else report.days[-1:]
    grids = [grid for day in days for grid in _day_grids(day, report)]
    return [*grids, *([_changes_grid(report)] if report.changes else [])]


def checked_grid(checked: Sequence[Checked]) -> Grid:
    """What a campaign takes, a row a provider."""
    headings = ("requests", "prompt tokens", "output tokens", "costs at most")
    columns = (
        Column("provider"),
        *(Column(heading, right=True) for heading in headings),
        Column("preflight", least=30, beneath=True),
    )
    rows = [
        (
            each.provider.name,
            f"{each.estimate.requests:,}",
            UNKNOWN if each.estimate.prompt_tokens is None else f"{each.estimate.prompt_tokens:,}",
            f"{each.estimate.max_output_tokens:,}",
            UNKNOWN if each.estimate.max_cost is None else f"{each.estimate.max_cost:,.4f}",
            "answers" if each.failure is None else _one_line(each.failure),
        )
        for each in checked
    ]
    costs = [each.estimate.max_cost for each in checked]
    known = sum(cost for cost in costs if cost is not None)
    note = f"all together: {known:,.4f} at most" + (", beside what has no price" if None in costs else "")
    failed = frozenset(place for place, each in enumerate(checked) if each.failure is not None)
    return Grid("What is still to be sent", columns, tuple(rows), strong=failed, notes=(note,))


def _day_grids(day: CampaignDay, report: CampaignReport) -> Iterator[Grid]:
    rows = tuple(_standing(each) for each in day.standings)
    strong = frozenset(place for place, each in enumerate(day.standings) if each.verdict == "divergent")
    notes = tuple(note.format(level=report.level) for note in NOTES)
    yield Grid(f"{printable(report.model, longest=LONGEST)} on {day.date}", STANDING_COLUMNS, rows, strong, notes)
    if day.shared:
        yield _shared_grid(day.shared, day.date)


def _standing(each: Standing) -> tuple[str, ...]:
    asked = "" if each.asked is None or each.asked == each.answers else f" of {each.asked:,}"
    return (
        each.name,
        "trusted" if each.role == "baseline" else (each.verdict or "not judged"),
        f"{each.answers:,}{asked}",
        UNKNOWN if each.mismatch is None else percent(each.mismatch, digits=1),
        _p(each.p_value),
        _p(each.adjusted),
        each.groups or UNKNOWN,
        _mixture(each),
        "; ".join(_words(each)),
    )


def _words(each: Standing) -> Iterator[str]:
    if each.failure is not None:
        yield _one_line(each.failure)
    if each.deviations:
        yield ", or: ".join(each.deviations)
    yield from each.warnings


def _mixture(each: Standing) -> str:
    found = each.mixture
    if found is None:
        return UNKNOWN
    shown = found.explains and each.deviations
    within = f" ({100 * found.low:.0f} to {100 * found.high:.0f} %)" if shown else ""
    return f"{100 * found.least:.0f} %{within}"


def _shared_grid(pairs: Sequence[SharedPair], date: str) -> Grid:
    columns = (
        Column("two names"),
        *(Column(heading, right=True) for heading in ("same answers", "with others at most", "p (Holm)")),
    )
    rows = tuple(
        (
            " and ".join(each.names),
            f"{each.same:,} of {each.asked:,}",
            percent(each.likest_other, digits=1),
            _p(each.p_value),
        )
        for each in pairs
    )
    notes = (
        "one machine under two names answers so; so do two with the same weights, software and hardware, if these have no noise.",
    )
    return Grid(f"Answer as one machine does, on {date}", columns, rows, notes=notes)


def _changes_grid(report: CampaignReport) -> Grid:
    columns = (
        Column("provider"),
        Column("dates", right=True),
        Column("wealth", right=True),
        Column("change", least=30),
    )
    rows = tuple(
        (each.name, f"{len(each.dates):,}", f"{each.wealth[-1]:,.3g}", _change(each)) for each in report.changes
    )
    strong = frozenset(place for place, each in enumerate(report.changes) if each.seen is not None)
    note = (
        f"wealth: begins at 1; {report.changes[0].changed_at:,.0f} is a change. If nobody changes, that is called of anybody, on "
        f"any date ever, with a probability of {report.level:g} at most."
    )
    return Grid("Over the dates", columns, rows, strong, (note,))


def _change(each: ChangeSeen) -> str:
    if each.seen is None:
        return "none seen"
    known = "" if each.seen == each.since else f", known on {each.seen}"
    return f"changed between {each.before} and {each.since}{known}"


def _p(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2g}" if value >= 1e-4 else f"{value:.0e}"


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()), longest=LONGEST)
