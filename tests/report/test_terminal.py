"""Tables for a terminal: what applies to a run is shown, what says nothing of it is not, at any width."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from token_difr.records import Report, SamplingParams, Scores, Summary, TopKBatch
from token_difr.report import percent, summary_table
from token_difr.report.terminal import terminal
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.verdict import decide


def scores_of(params: SamplingParams, sampler: Sampler | None = None) -> Scores:
    """Forty sequences of five tokens, the claimed one the likeliest of two but for one of each sequence."""
    rows = [[(1, -0.25), (2, -1.5)]] * 200
    return score(
        TopKBatch.from_rows(
            rows,
            claimed=[1, 1, 2, 1, 1] * 40,
            sequence_indptr=np.arange(41) * 5,
            prompt_lengths=np.full(40, 3),
        ),
        params,
        sampler=sampler,
    )


def printed(report: Report, width: int = 80) -> str:
    return terminal(report, Console(file=io.StringIO(), width=width))


def of_scores(report: Report, scores: Scores) -> Report:
    return replace(report, decision=decide(scores, scores), partings=(), findings=())


@pytest.mark.parametrize("sampler", [None, Sampler.for_engine("vllm", "0.33")])
def test_replayed_and_not(reports: dict[str, Report], sampler: Sampler | None) -> None:
    """A run whose noise was not replayed has no match rate and no margins; one that was has no surprise."""
    text = printed(of_scores(reports["alone"], scores_of(SamplingParams(temperature=1.0, seed=1), sampler)))
    for words in ("match rate", "mean finite margin", "decided", "clipped_margin_1"):
        assert (words in text) == (sampler is not None)
    for words in ("surprise above expectation", "surprise_below", "status unreplayed"):
        assert (words in text) == (sampler is None)
    assert "mean probability" in text
    assert "nan" not in text
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())


def test_greedy(reports: dict[str, Report]) -> None:
    """At temperature 0 the table is as it always was."""
    text = printed(of_scores(reports["alone"], scores_of(SamplingParams())))
    assert re.search(r"match rate +80.00 % +80.00 %", text)
    assert "surprise" not in text


@pytest.mark.parametrize("width", range(30, 201))
def test_at_any_width_every_figure_is_whole(reports: dict[str, Report], width: int) -> None:
    """No line is too wide; no figure and no statistic's name is cut or split over lines."""
    for report in reports.values():
        text = printed(report, width)
        assert all(cell_len(line) <= width for line in text.splitlines())
        assert [figure for figure in figures(report) if not re.search(whole(figure), text)] == []


def whole(figure: str) -> str:
    """A pattern for the figure that is no part of a longer one."""
    return rf"(?<![\w.,]){re.escape(figure)}(?![.,]?\w)"


def figures(report: Report) -> set[str]:
    """Every figure that a report shows, and the names of its statistics."""
    shown = {"2026-11-27 21:02 UTC", "0123456789ab", "0.2.0"}
    shown |= figures_of(report.decision.summary)
    if report.decision.baseline is not None:
        shown |= figures_of(report.decision.baseline)
    if report.decision.comparison is not None:
        for entry in report.decision.comparison.statistics:
            shown |= {f"{value:.4f}" for value in (entry.candidate, entry.baseline, entry.p_value)}
            shown |= {f"{value:+.4f}" for value in (entry.difference, *entry.interval)}
            shown.add(f"{entry.interval[0]:+.4f} {entry.interval[1]:+.4f}")
            shown.add(entry.name)
    shown |= {f"{parting.margin_bound:.2f}" for parting in report.partings}
    return shown - {"-"}


def figures_of(summary: Summary) -> set[str]:
    counts = (summary.sequences, summary.tokens, *(count for count in summary.statuses.values() if count))
    rates = (*summary.exact_match_rate, summary.infinite_margin_rate)
    return {f"{count:,}" for count in counts} | {percent(rate) for rate in rates} | {f"{summary.mean_prob:.4f}"}


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 200])
def test_the_verdict_is_read_first(reports: dict[str, Report], width: int) -> None:
    """Then the reason, then what was compared."""
    for report in reports.values():
        head, _, rest = printed(report, width).partition("\n\n")
        assert head.replace("\n", " ") == f"{report.decision.verdict}: {report.decision.reason}"
        assert rest.startswith("What was compared\n")


def test_what_was_compared(reports: dict[str, Report]) -> None:
    """Every condition of the verdict has a line."""
    lines = [re.sub(" {2,}", " | ", line) for line in printed(reports["divergent"]).splitlines()]
    for line in (
        "provider | https://api.cheap.example/v1",
        "model | llama-3.1-8b-instruct-turbo",
        "reference | http://localhost:8000/v1 (vllm)",
        "reference model | meta-llama/Llama-3.1-8B-Instruct",
        "baseline | runs/trusted",
        "baseline provider | https://api.trusted.example/v1",
        "baseline model | meta-llama/Llama-3.1-8B-Instruct",
        "baseline start | 2026-11-20 08:15 UTC",
        "sampling | temperature 1, top-k off, top-p 0.95, min-p off",
        "seeds | one a prompt",
        "sampler | vllm-0.33, its noise replayed",
        "max tokens | 64",
        "prompts | 200 (digest 0123456789ab)",
        "run started | 2026-11-27 21:02 UTC",
        "verdict made | 2026-11-27 21:40 UTC by token-difr 0.2.0",
    ):
        assert line in lines


def test_the_deciding_statistic_is_marked_without_color(reports: dict[str, Report]) -> None:
    """One star, and what it says; every statistic has its meaning."""
    for width in (40, 80, 200):
        text = printed(reports["divergent"], width)
        assert re.findall(r"^(\w\S+) \*", text, re.MULTILINE) == ["clipped_margin_0.1"]
        assert "* the deciding one" in text
        assert "the share of answers without a token" in text


def test_warnings_stand_before_notes(reports: dict[str, Report]) -> None:
    """Whatever order they were found in."""
    text = printed(reports["divergent"])
    assert text.index("\nwarning") < text.index("\nnote")


def test_color_is_for_the_verdict_and_changes_no_text(reports: dict[str, Report]) -> None:
    """The same words with color and without."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor", no_color=False)
    colored = terminal(reports["divergent"], console)
    assert colored.startswith("\x1b[1;31mdivergent\x1b[0m: ")
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == printed(reports["divergent"])


def test_a_summary_alone(reports: dict[str, Report]) -> None:
    """What ``score`` shows: one column."""
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(summary_table(reports["alone"].decision.summary))
    assert re.search(r"match rate +97.13 %\n", capture.get())
    assert "baseline" not in capture.get()
