"""The page's charts, as series of plain figures and as inline SVG.

Every chart has its figures in a table beside it on the page: a drawing says nothing to a screen reader.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from token_difr.records import NearTies, Scores
from token_difr.records.near_ties import range_name
from token_difr.verdict.positions import Positions

__all__ = ["Bar", "Chart", "charts_of", "drawn", "margin_chart", "position_chart", "ties_chart"]

MARGIN_EDGES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, math.inf)
"""Nats."""

POSITION_EDGES = (0, 1, 4, 16, 64, 256, 1024, 4096, 2**62)

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 220, 56, 44, 12
TICKS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar for each side.

    Attributes:
        label: What it is of.
        candidate: The candidate's share.
        baseline: The baseline's; None where there is none.
        counts: Of what these are shares: (candidate, baseline).
        spans: The 95 % intervals of (candidate, baseline), where they are known.
    """

    label: str
    candidate: float
    baseline: float | None
    counts: tuple[int, int]
    spans: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar chart of shares.

    Attributes:
        title: What it shows.
        axis: What the bars are of.
        share: Of what each bar is a share, in words.
        bars: The bars.
    """

    title: str
    axis: str
    share: str
    bars: tuple[Bar, ...]


def charts_of(candidate: Scores, baseline: Scores | None, ties: NearTies | None) -> list[Chart]:
    """All that say something of a run."""
    if ties is not None:
        return [ties_chart(ties)]
    return [chart for chart in (margin_chart(candidate, baseline), position_chart(candidate, baseline)) if chart.bars]


def margin_chart(candidate: Scores, baseline: Scores | None) -> Chart:
    """How far tokens that are not the reference's own are from it."""

    def shares(scores: Scores) -> tuple[list[float], int]:
        decided = Positions(scores).decided
        total = int(np.count_nonzero(decided))
        margins = scores.margin_bound[decided & ~scores.exact_match]
        counts = np.histogram(np.minimum(margins, 1e9), [*MARGIN_EDGES[:-1], 1e10])[0]
        return [float(count) / max(total, 1) for count in counts], total

    labels = [
        *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(MARGIN_EDGES[:-1])),
        "from 10",
    ]
    ours, theirs = shares(candidate), None if baseline is None else shares(baseline)
    bars = () if not ours[1] else tuple(_bars(labels, ours, theirs))
    return Chart("How far tokens are from the reference's own", "distance (nats)", "of decided tokens", bars)


def position_chart(candidate: Scores, baseline: Scores | None) -> Chart:
    """Where in the answers tokens are not the reference's own."""

    def shares(scores: Scores) -> list[tuple[float, int]]:
        lengths = np.diff(scores.sequence_indptr)
        places = np.arange(len(scores.status)) - np.repeat(scores.sequence_indptr[:-1], lengths)
        decided = Positions(scores).decided
        which = np.digitize(places, POSITION_EDGES) - 1
        return [
            (float(np.mean(~scores.exact_match[inside])) if inside.any() else math.nan, int(np.count_nonzero(inside)))
            for inside in (decided & (which == place) for place in range(len(POSITION_EDGES) - 1))
        ]

    ours, theirs = shares(candidate), None if baseline is None else shares(baseline)
    bars = []
    for place, (low, high) in enumerate(itertools.pairwise(POSITION_EDGES)):
        share, count = ours[place]
        if count:
            label = "first" if high == 1 else f"{low + 1} to {high}"
            other = (math.nan, 0) if theirs is None else theirs[place]
            bars.append(Bar(label, share, None if not other[1] else other[0], (count, other[1])))
    return Chart(
        "Where in an answer tokens are not the reference's own", "token", "of decided tokens there", tuple(bars)
    )


def ties_chart(near: NearTies) -> Chart:
    """Which near ties fell the other way."""
    bars = tuple(
        Bar(
            range_name(stratum.low, stratum.high),
            stratum.fell / stratum.asked if stratum.asked else 0.0,
            stratum.honest_fell / stratum.honest_asked if stratum.honest_asked else None,
            (stratum.asked, stratum.honest_asked),
        )
        for stratum in near.strata
    )
    return Chart("Near ties that fell the other way", "gap (nats)", "of the ties there", bars)


def drawn(chart: Chart) -> str:
    """The chart as SVG of its own colors' classes; its text is in the page's font."""
    most = max((value for bar in chart.bars for value in (bar.candidate, bar.baseline or 0.0)), default=0.0)
    top = _round_up(most or 0.01)
    step = (WIDTH - LEFT) / max(len(chart.bars), 1)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}; the figures are in the table">',
        *_grid(top),
        *(line for place, bar in enumerate(chart.bars) for line in _bar(bar, LEFT + place * step, step, top)),
        f'<text class="axis" x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(chart.axis)}</text>',
        "</svg>",
    ]
    return "".join(parts)


def _bars(
    labels: Sequence[str], ours: tuple[list[float], int], theirs: tuple[list[float], int] | None
) -> Iterator[Bar]:
    for place, label in enumerate(labels):
        other = None if theirs is None or not theirs[1] else theirs[0][place]
        yield Bar(label, ours[0][place], other, (ours[1], 0 if theirs is None else theirs[1]))


def _grid(top: float) -> Iterator[str]:
    for tick in range(TICKS + 1):
        share = top * tick / TICKS
        y = _height(share, top)
        yield f'<line class="rule" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="axis" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * share:.3g} %</text>'


def _bar(bar: Bar, left: float, step: float, top: float) -> Iterator[str]:
    sides = [("candidate", bar.candidate), *(() if bar.baseline is None else (("baseline", bar.baseline),))]
    width = step * 0.72 / len(sides)
    for place, (name, share) in enumerate(sides):
        x, y = left + step * 0.14 + place * width, _height(share, top)
        yield (
            f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{HEIGHT - BOTTOM - y:.1f}">'
            f"<title>{escape(bar.label)}: {name} {100 * share:.3g} %</title></rect>"
        )
        span = bar.spans[place]
        if span is not None:
            low, high = (_height(min(end, top), top) for end in span)
            yield f'<line class="span" x1="{x + width / 2:.1f}" x2="{x + width / 2:.1f}" y1="{high:.1f}" y2="{low:.1f}"/>'
    yield f'<text class="axis" x="{left + step / 2:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(bar.label)}</text>'


def _height(share: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share / top


def _round_up(share: float) -> float:
    """The next of 1, 2, 4 and 8 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(share))
    return next(power * step for step in (1, 2, 4, 8, 10) if share <= power * step * (1 + 1e-9))
