"""The end of an audit: the summary of its scores and, given a baseline, the comparison with it."""

from __future__ import annotations

from token_difr.records import Decision, Scores, Verdict
from token_difr.verdict.comparison import check_level, compare
from token_difr.verdict.summary import summarize

__all__ = ["decide"]

NO_BASELINE = "no baseline: audit a provider that you trust on other prompts of the same kind, and give its run"


def decide(scores: Scores, baseline: Scores | None = None, *, level: float = 0.01, seed: int = 0) -> Decision:
    """Summarize ``scores`` and judge them against ``baseline``; see :func:`~token_difr.compare`.

    Raises:
        InputError: ``level`` or ``seed`` as there, with a baseline or without.
    """
    check_level(level)
    summary = summarize(scores, seed=seed)
    if baseline is None:
        return Decision(verdict=Verdict.INCONCLUSIVE, reason=NO_BASELINE, summary=summary)
    comparison = compare(scores, baseline, level=level, seed=seed)
    return Decision(
        verdict=comparison.verdict,
        reason=comparison.reason,
        summary=summary,
        baseline=summarize(baseline, seed=seed),
        comparison=comparison,
    )
