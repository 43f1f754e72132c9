"""The counts behind an audit of near ties: by gap, and by honest run."""

from __future__ import annotations

from collections.abc import Iterator

from token_difr.records import HonestRun, NearTies, TieStratum
from token_difr.records.near_ties import range_name
from token_difr.report.figures import UNKNOWN, percent
from token_difr.report.grid import Column, Grid
from token_difr.untrusted import printable

__all__ = ["ties_grid"]

LONGEST_NAME = 200


def ties_grid(near: NearTies) -> Grid:
    """One row a range of gaps: how many ties fell the other way, of the provider and of the honest runs."""
    headings = ("asked", "fell", "of these", *(("honest runs", "of these") if near.honest else ()))
    columns = (Column("gap (nats)"), *(Column(heading, right=True) for heading in headings))
    rows = tuple(_row(stratum, beside=bool(near.honest)) for stratum in near.strata)
    return Grid("Near ties that fell the other way", columns, rows, notes=tuple(_notes(near)))


def _row(stratum: TieStratum, *, beside: bool) -> tuple[str, ...]:
    ours = (f"{stratum.asked:,}", f"{stratum.fell:,}", _share(stratum.fell, stratum.asked))
    honest = (f"{stratum.honest_fell:,} of {stratum.honest_asked:,}", _share(stratum.honest_fell, stratum.honest_asked))
    return (range_name(stratum.low, stratum.high), *ours, *(honest if beside else ()))


def _share(fell: int, asked: int) -> str:
    return percent(fell / asked, digits=1) if asked else UNKNOWN


def _notes(near: NearTies) -> Iterator[str]:
    yield "gap: by how much the reference's token led its second one; where it is small, rounding decides."
    yield from map(_honest, near.honest)
    test = near.sequential
    if test is not None:
        yield (
            f"until a verdict: of {test.pairs:,} pairs {test.alone:,} fell for the provider alone, {test.baseline_alone:,} for the "
            f"baseline alone; the bets' wealth reached {max(test.wealth, default=1.0):,.4g}."
        )


def _honest(run: HonestRun) -> str:
    provider = "" if run.provider is None else f" of {printable(run.provider, longest=LONGEST_NAME)}"
    return f"honest run: {printable(run.path, longest=LONGEST_NAME)}{provider}, {run.fell:,} of {run.asked:,}."
