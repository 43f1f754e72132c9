"""What the scores of one run say together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from token_difr.records import Estimate, Scores, ScoreStatus, Summary
from token_difr.verdict.intervals import interval
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import sequence_sums

__all__ = ["summarize"]


def summarize(scores: Scores) -> Summary:
    """Summarize one run."""
    sums = sequence_sums(scores)
    statistics = {statistic.name: interval(sums, statistic) for statistic in sums.statistics}
    mismatch = statistics[MISMATCH_RATE.name]
    margin = scores.margin.astype(np.float64)
    withheld = 0 if scores.withheld is None else int(scores.withheld.sum())
    decided = int(sums.decided.sum())
    return Summary(
        sequences=len(scores),
        empty_sequences=int(np.count_nonzero(np.diff(scores.sequence_indptr) == 0) - withheld),
        withheld_sequences=withheld,
        tokens=len(scores.status),
        decided_tokens=decided,
        statuses={status.word: int(np.count_nonzero(scores.status == status)) for status in ScoreStatus},
        exact_match_rate=Estimate(1 - mismatch.value, 1 - mismatch.high, 1 - mismatch.low),
        statistics={name: estimate for name, estimate in statistics.items() if np.isfinite(estimate.value)},
        mean_prob=_mean(scores.prob[np.isfinite(scores.prob)]),
        mean_margin=_mean(margin[np.isfinite(margin)]),
        infinite_margin_rate=float(np.isinf(margin).sum() / decided) if decided else np.nan,
        mean_logit_rank=_mean(scores.logit_rank[scores.status == ScoreStatus.SCORED]),
        improper_rows=scores.improper_rows,
    )


def _mean(values: npt.NDArray[np.floating]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")
