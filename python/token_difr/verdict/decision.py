"""The end of an audit: the summary of its scores and, given a baseline, the comparison with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from token_difr.records import Decision, Rule, Scores, Verdict
from token_difr.verdict.comparison import SideRows, compare
from token_difr.verdict.summary import summarize

__all__ = ["decide"]

NO_BASELINE = "no baseline: audit a provider that you trust on the same prompts, and give its run"


def decide(
    scores: Scores,
    baseline: Scores | None = None,
    *,
    level: float | None = None,
    seed: int | None = None,
    rule: Rule | None = None,
    pairs: npt.NDArray[np.int64] | None = None,
    rows: SideRows | None = None,
) -> Decision:
    """Summarize ``scores`` and judge them against ``baseline``; for the arguments see :func:`~token_difr.compare`.

    Raises:
        InputError: As there; ``level`` or ``seed`` without a baseline too.
    """
    rule = Rule.of(rule, level=level, seed=seed)
    summary = summarize(scores)
    if baseline is None:
        return Decision(verdict=Verdict.INCONCLUSIVE, reason=NO_BASELINE, rule=rule, summary=summary)
    comparison = compare(scores, baseline, rule=rule, pairs=pairs, rows=rows)
    return Decision(
        verdict=comparison.verdict,
        reason=comparison.reason,
        rule=rule,
        summary=summary,
        baseline=summarize(baseline),
        comparison=comparison,
    )
