"""The profile of a diagnosis as charts, with its intervals, and the causes in a page's head."""

from __future__ import annotations

import math
from dataclasses import replace

from token_difr.page.charts import charts_of, drawn
from token_difr.page.content import PageContent
from token_difr.page.html import page
from token_difr.page.profile_charts import profile_charts
from token_difr.records import (
    Audit,
    Cause,
    Contrast,
    Decision,
    Diagnosis,
    Estimate,
    ProfileCell,
    Provenance,
    Report,
    Rule,
    Scores,
)
from token_difr.verdict import decide

UNKNOWN = Estimate(math.nan, math.nan, math.nan)
HOSTILE = "</p><script>alert(1)</script>\u202e"


def cell(group: str, name: str, baseline: Estimate = UNKNOWN) -> ProfileCell:
    """A quarter of 40 tokens."""
    mismatch = Contrast(candidate=Estimate(0.25, 0.1, 0.4), baseline=baseline, difference=UNKNOWN)
    return ProfileCell(group=group, name=name, counts=(40, 20), mismatch=mismatch, margin=mismatch, differs=False)


MADE = Diagnosis(
    cells=(
        cell("position", "first", Estimate(0.0, 0.0, 0.1)),
        cell("place", "right behind the thought"),
        cell("first parting", "never"),
    ),
    causes=(Cause(name="system_prompt", text=HOSTILE, advice="ask " + HOSTILE, shown=False, evidence={}),),
    level=0.01,
)


def test_charts() -> None:
    """One a group that has cells: both sides with their intervals, or one side where the baseline has nothing."""
    first, partings = profile_charts(MADE)
    assert [bar.label for bar in first.bars] == ["first", "behind thought"]
    assert first.bars[0].spans == ((0.1, 0.4), (0.0, 0.1))
    assert (first.bars[1].baseline, first.bars[1].spans) == (None, ((0.1, 0.4), None))
    assert partings.share == "of all answers"
    drawing = drawn(first)
    assert drawing.count('class="span"') == 3
    assert "the figures are in the table" in drawing
    assert profile_charts(replace(MADE, cells=())) == []


def test_causes_in_the_head_of_a_page() -> None:
    """Each with what to do, and how surely; figures of intervals stand in the table; text of others stays text."""
    scores = Scores.from_margins([0.0] * 4)
    decision: Decision = decide(scores, rule=Rule())
    report = Report(
        audit=Audit(),
        decision=decision,
        findings=(),
        partings=(),
        provenance=Provenance(version="1", started=None, decided="2026-11-28T00:00:00+00:00", scores="a" * 64),
        diagnosis=MADE,
    )
    charts = (*charts_of(scores, None, None)[:1], *profile_charts(MADE))
    text = page(PageContent(report=report, charts=charts, answers=(), of=1, replayed=True, named=True))
    head = text[: text.index("</header>")]
    assert "system prompt, perhaps" in head
    assert "&lt;script&gt;" in head
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "25.00 % (10.00 to 40.00)" in text
