"""The end of an audit: the summary of its scores and, given a baseline, the comparison with it."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.decide.comparison import Comparison, Verdict, check_level, compare
from token_difr.decide.summary import Summary, summarize
from token_difr.score import Scores

__all__ = ["Decision", "decide"]

NO_BASELINE = "no baseline: audit a provider that you trust on other prompts of the same kind, and give its run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What an audit comes to.

    Attributes:
        verdict: The comparison's verdict; always inconclusive without a baseline.
        reason: The verdict's ground, one sentence.
        summary: The candidate's scores together.
        baseline: The baseline's scores together; None without a baseline.
        comparison: Candidate against baseline; None without a baseline.
    """

    verdict: Verdict
    reason: str
    summary: Summary
    baseline: Summary | None = None
    comparison: Comparison | None = None


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
