"""What a file of ties holds, as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from token_difr.records import HonestCurve
from token_difr.records.near_ties import range_name
from token_difr.ties.strata import gap_ranges
from token_difr.ties.tie import TieSet

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["curve_tables", "ties_tables"]


def ties_tables(ties: TieSet) -> Iterator[RenderableType]:
    """Counts by gap and by place in the answer, and what asking all of them sends."""
    from rich.table import Table
    from rich.text import Text

    from token_difr.untrusted import printable

    gaps = np.array([tie.gap for tie in ties.ties])
    places = np.array([tie.position for tie in ties.ties])
    precision = "" if ties.precision is None else f" in {printable(ties.precision)}"
    title = f"{len(ties.ties)} near ties of {printable(ties.model)}{precision}, picked {printable(ties.picked)}"
    table = Table(title=Text(title), title_justify="left")
    for name in ("gap (nats)", "ties", "first token", "median place"):
        table.add_column(name, justify="right")
    for low, high, held in gap_ranges(gaps):
        first, middle = int((places[held] == 0).sum()), float(np.median(places[held]))
        table.add_row(range_name(low, high), str(int(held.sum())), str(first), f"{middle:.0f}")
    yield table
    tokens = sum(len(tie.prompt_token_ids) + tie.position for tie in ties.ties)
    yield f"One run: {len(ties.ties):,} requests, {tokens:,} prompt tokens, {len(ties.ties):,} output tokens."


def curve_tables(curve: HonestCurve) -> Iterator[RenderableType]:
    """The steps of an honest curve, whose runs it was learnt from, and by how much they differ."""
    from rich.table import Table
    from rich.text import Text

    from token_difr.untrusted import printable

    table = Table(title=Text(f"Flips of {len(curve.runs)} honest runs"), title_justify="left")
    table.add_column("gap (nats)", justify="right")
    table.add_column("fall the other way", justify="right")
    for low, high, share in zip(curve.gaps, (*curve.gaps[1:], None), curve.probabilities, strict=True):
        table.add_row(range_name(round(low, 4), None if high is None else round(high, 4)), f"{100 * share:.1f} %")
    yield table
    for run in curve.runs:
        begun = "at an unknown time" if run.started is None else printable(run.started)
        yield Text(f"{printable(run.path, longest=200)}: {run.fell} of {run.asked} fell the other way, begun {begun}.")
    yield (
        f"The logarithms of their odds to flip a tie scatter by {curve.scatter:.2f}: two of them commonly differ "
        f"{math.exp(math.sqrt(2) * curve.scatter):.2f}-fold."
        if len(curve.runs) > 1
        else "One run says nothing of how much honest providers differ: give several."
    )
