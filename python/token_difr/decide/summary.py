"""What the scores of one run say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.decide.intervals import (
    MISMATCH_COLUMN,
    Estimate,
    bootstrap_replicates,
    percentile_interval,
    rate_interval,
)
from token_difr.decide.statistics import STATISTICS, sequence_sums
from token_difr.score import Scores, ScoreStatus

__all__ = ["Summary", "summarize"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Rates and means over all tokens of a run; NaN where there is no token to take them over.

    Attributes:
        sequences: Number of sequences, empty ones included.
        empty_sequences: Number of sequences without a token.
        tokens: Number of claimed tokens.
        decided_tokens: Tokens whose match could be decided; the denominator of every rate.
        statuses: Number of tokens of each :class:`~token_difr.ScoreStatus`, by lower-case name.
        exact_match_rate: Share of decided tokens that are the reference token, with its 95 % interval.
        statistics: The verdict's statistics by name, each with its 95 % interval; those without positions are left out.
        mean_prob: Mean probability of the claimed tokens under the reference.
        mean_margin: Mean of the finite margins, in nats.
        infinite_margin_rate: Share of decided tokens whose margin is infinite.
        mean_logit_rank: Mean logit rank of the scored tokens.
        improper_rows: Rows whose mass is above 1.01: the reference gave no distribution there.
    """

    sequences: int
    empty_sequences: int
    tokens: int
    decided_tokens: int
    statuses: Mapping[str, int]
    exact_match_rate: Estimate
    statistics: Mapping[str, Estimate]
    mean_prob: float
    mean_margin: float
    infinite_margin_rate: float
    mean_logit_rank: float
    improper_rows: int


def summarize(scores: Scores, *, seed: int = 0) -> Summary:
    """Summarize one run; intervals by a cluster bootstrap over sequences, drawn from ``seed``."""
    sums = sequence_sums(scores)
    replicates = bootstrap_replicates(sums, seed=seed)
    means = sums.means
    estimates = [percentile_interval(float(means[s]), replicates[:, s]) for s in range(len(STATISTICS))]
    estimates[MISMATCH_COLUMN] = mismatch = rate_interval(sums, replicates)
    margin = scores.margin.astype(np.float64)
    decided = int(sums.decided.sum())
    return Summary(
        sequences=len(scores),
        empty_sequences=int(np.count_nonzero(np.diff(scores.sequence_indptr) == 0)),
        tokens=len(scores.status),
        decided_tokens=decided,
        statuses={status.name.lower(): int(np.count_nonzero(scores.status == status)) for status in ScoreStatus},
        exact_match_rate=Estimate(1 - mismatch.value, 1 - mismatch.high, 1 - mismatch.low),
        statistics={
            name: estimate for name, estimate in zip(STATISTICS, estimates, strict=True) if np.isfinite(estimate.value)
        },
        mean_prob=_mean(scores.prob[np.isfinite(scores.prob)]),
        mean_margin=_mean(margin[np.isfinite(margin)]),
        infinite_margin_rate=float(np.isinf(margin).sum() / decided) if decided else np.nan,
        mean_logit_rank=_mean(scores.logit_rank[scores.status == ScoreStatus.SCORED]),
        improper_rows=scores.improper_rows,
    )


def _mean(values: npt.NDArray[np.floating]) -> float:
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")
