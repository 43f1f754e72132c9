"""The profile of a diagnosis as charts: by position, by token class, by entropy, and where answers first part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from token_difr.page.charts import Bar, Chart
from token_difr.records import Diagnosis, Estimate, ProfileCell

__all__ = ["profile_charts"]

CHARTS = (
    ("Profile by position: where tokens are not the reference's own", "token of the answer", ("position", "place")),
    ("Profile by kind of token", "kind of token", ("token class", "word")),
    ("Profile by how sure the reference is", "entropy of the reference's row (nats)", ("entropy",)),
    ("Where answers first part from the reference", "token of the answer", ("first parting",)),
)
"""Title, axis and the profile's groups of each."""

OF_ANSWERS = "first parting"
SHORT = {
    "right behind the thought": "behind thought",
    "Chinese, Japanese, Korean": "CJK",
    "part of a character": "part of char.",
    "start of a word": "word start",
    "inside a word": "inside word",
}
"""Names that are too long to stand under a bar."""


def profile_charts(diagnosis: Diagnosis) -> list[Chart]:
    """Those that have a bar."""
    charts = (
        Chart(title, axis, _share(groups), tuple(_bars(cell for cell in diagnosis.cells if cell.group in groups)))
        for title, axis, groups in CHARTS
    )
    return [chart for chart in charts if chart.bars]


def _share(groups: Iterable[str]) -> str:
    return "of all answers" if OF_ANSWERS in groups else "of decided tokens there, lines: 95 % intervals"


def _bars(cells: Iterable[ProfileCell]) -> Iterator[Bar]:
    for cell in cells:
        ours, theirs = cell.mismatch.candidate, cell.mismatch.baseline
        if not math.isnan(ours.value):
            other = None if math.isnan(theirs.value) else theirs.value
            spans = (_span(ours), None if other is None else _span(theirs))
            yield Bar(SHORT.get(cell.name, cell.name), ours.value, other, cell.counts, spans)


def _span(estimate: Estimate) -> tuple[float, float]:
    return max(0.0, estimate.low), min(1.0, estimate.high)
