"""What a page shows of a run directory."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.errors import RunDirectoryError
from token_difr.page.answers import Answer, Answers, choose
from token_difr.page.charts import Chart, charts_of
from token_difr.page.profile_charts import profile_charts
from token_difr.records import BaselineRun, Report, Scores
from token_difr.run.directory import RunDirectory
from token_difr.run.files import is_here
from token_difr.sequences import Tokenizer

__all__ = ["PageContent", "charts_of_run", "read_content"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PageContent:
    """All that stands on a page.

    Attributes:
        report: The run's report.
        charts: Its charts.
        answers: Some of its answers.
        of: How many answers the run has.
        replayed: Whether any token was decided; else tokens are told apart by their likelihood.
        named: Whether tokens are shown by their texts; else the tokenizer was not at hand.
    """

    report: Report
    charts: tuple[Chart, ...]
    answers: tuple[Answer, ...]
    of: int
    replayed: bool
    named: bool


def read_content(run: RunDirectory, tokenizer: Tokenizer | None) -> PageContent:
    """Read a run that has a report.

    Args:
        run: The run directory.
        tokenizer: The model's; None = tokens are shown by their ids.

    Raises:
        RunDirectoryError: It has no report on the scores that it holds.
    """
    report, scores = _decided(run)
    answers = Answers(
        prompts=run.prompts, sequences=run.sequences(), batch=run.batch(), scores=scores, tokenizer=tokenizer
    )
    return PageContent(
        report=report,
        charts=_charts(report, scores),
        answers=tuple(map(answers.shown, choose(scores))),
        of=len(run.prompts),
        replayed=report.decision.summary.decided_tokens > 0,
        named=tokenizer is not None,
    )


def charts_of_run(run: RunDirectory) -> tuple[Chart, ...]:
    """The charts of a run alone.

    Raises:
        RunDirectoryError: See :func:`read_content`.
    """
    return _charts(*_decided(run))


def _decided(run: RunDirectory) -> tuple[Report, Scores]:
    """The report of a run, and the scores that it is on."""
    report = run.report()
    if report is None:
        raise RunDirectoryError(f"{run.path} has no verdict on the scores that it holds: token-difr decide {run.path}")
    kept = run.stored_scores()
    if kept is None:
        raise RunDirectoryError(f"{run.path} holds no scores of its rows: token-difr score {run.path}")
    return report, kept.scores


def _charts(report: Report, scores: Scores) -> tuple[Chart, ...]:
    """The profile of a diagnosis tells more than the chart by position alone, in whose place it stands."""
    charts = charts_of(scores, _scores_of(report.provenance.baseline), report.decision.ties)
    profiles = [] if report.diagnosis is None else profile_charts(report.diagnosis)
    return tuple([*charts[:1], *profiles] if profiles else charts)


def _scores_of(baseline: BaselineRun | None) -> Scores | None:
    """The scores that the report was compared with, where they are still there as they were."""
    if baseline is None or baseline.path is None or not is_here(baseline.path):
        return None
    try:
        with RunDirectory.read(baseline.path) as run:
            for replay in (True, False):
                kept = run.stored_scores(replay=replay)
                if kept is not None and kept.digest == baseline.scores:
                    return kept.scores
    except RunDirectoryError:
        return None
    return None
