"""Counts of near ties: by gap, beside those of honest runs, whole at every width."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from token_difr.records import HonestRun, NearTies, Report, SequentialTest, TieStratum
from token_difr.report.markdown import markdown
from token_difr.report.near_ties import ties_grid
from token_difr.report.terminal import terminal

STRATA = (
    TieStratum(low=0.005, high=0.02, asked=12, fell=7, honest_asked=40, honest_fell=3),
    TieStratum(low=0.2, high=0.5, asked=4, fell=0, honest_asked=0, honest_fell=0),
    TieStratum(low=0.5, high=None, asked=1_234, fell=5, honest_asked=1_300, honest_fell=0),
)
RUN = HonestRun(path="runs/\x1b[31mred", provider="http://h/v1", started=None, asked=1_340, fell=3)
NEAR = NearTies(asked=1_250, fell=12, honest=(), strata=STRATA, sequential=None)
BESIDE = replace(
    NEAR,
    honest=(RUN, replace(RUN, provider=None)),
    sequential=SequentialTest(
        stopped="divergent", spread=1.0, pairs=16, alone=7, baseline_alone=1, wealth=(1.0, 250.0, 101.0), loss_upper=0.9
    ),
)


def test_counts_and_shares() -> None:
    """Shares where something was asked; nothing of honest runs where there are none."""
    assert ties_grid(NEAR).rows == (
        ("0.005 to 0.02", "12", "7", "58.3 %"),
        ("0.2 to 0.5", "4", "0", "0.0 %"),
        ("from 0.5", "1,234", "5", "0.4 %"),
    )
    assert [row[4:] for row in ties_grid(BESIDE).rows] == [
        ("3 of 40", "7.5 %"),
        ("0 of 0", "-"),
        ("0 of 1,300", "0.0 %"),
    ]
    notes = "\n".join(ties_grid(BESIDE).notes)
    assert "7 fell for the provider alone, 1 for the baseline alone; the bets' wealth reached 250." in notes
    assert "of http://h/v1, 3 of 1,340." in notes
    assert "\x1b" not in notes


@pytest.mark.parametrize("width", [30, 44, 60, 80, 200])
def test_every_figure_at_every_width(reports: dict[str, Report], width: int) -> None:
    """In a terminal and on a page; an audit of whole answers has none of it."""
    report = reports["alone"]
    of_ties = replace(report, decision=replace(report.decision, ties=BESIDE))
    text = terminal(of_ties, Console(file=io.StringIO(), width=width))
    for figure in ("0.005 to 0.02", "1,234", "58.3 %", "3 of 40", "0 of 1,300"):
        assert figure in text
        assert figure in markdown(of_ties)
    assert "Near ties" not in terminal(report, Console(file=io.StringIO(), width=width))
