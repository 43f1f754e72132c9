"""What a file of ties holds, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from token_difr.records.near_ties import range_name
from token_difr.ties.strata import gap_ranges
from token_difr.ties.tie import TieSet

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["ties_tables"]


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
