"""What the scores of one run say together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from token_difr.records import Estimate, Rule, Scores, ScoreStatus, Summary
from token_difr.verdict.intervals import bootstrap_replicates, percentile_interval, rate_interval
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import SequenceSums, sequence_sums

__all__ = ["summarize"]


def summarize(scores: Scores, *, seed: int | None = None, rule: Rule | None = None) -> Summary:
    """Summarize one run.

    Args:
        scores: The run's scores.
        seed: Seed of the bootstrap over sequences that gives the intervals; None = the rule's, 0 by default.
        rule: Says how often is drawn; None = the default one.

    Raises:
        InputError: ``seed`` outside its range, see :class:`~token_difr.records.Rule`.
    """
    sums = sequence_sums(scores)
    statistics = _estimates(sums, Rule.of(rule, seed=seed))
    mismatch = statistics[MISMATCH_RATE.name]
    margin = scores.margin.astype(np.float64)
    decided = int(sums.decided.sum())
    return Summary(
        sequences=len(scores),
        empty_sequences=int(np.count_nonzero(np.diff(scores.sequence_indptr) == 0)),
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


def _estimates(sums: SequenceSums, rule: Rule) -> dict[str, Estimate]:
    """Every statistic by name, in its unit, with its 95 % interval; NaN where nothing counts."""
    replicates = bootstrap_replicates(sums, resamples=rule.resamples, seed=rule.seed)
    columns = zip(sums.statistics, sums.means, replicates.T, strict=True)
    estimates = {each.name: percentile_interval(float(mean), column) for each, mean, column in columns}
    return estimates | {MISMATCH_RATE.name: rate_interval(sums, replicates[:, sums.index(MISMATCH_RATE)])}


def _mean(values: npt.NDArray[np.floating]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")
