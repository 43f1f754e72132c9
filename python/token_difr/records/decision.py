"""What an audit comes to, from a single figure to the verdict: plain values, made in :mod:`token_difr.verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = ["Comparison", "Decision", "Estimate", "StatisticComparison", "Summary", "Verdict"]


class Estimate(NamedTuple):
    """A value and its 95 % interval, in the value's own unit; NaN where there is nothing to estimate from."""

    value: float
    low: float
    high: float


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


class Verdict(StrEnum):
    """What an audit comes to."""

    CONSISTENT = "consistent"
    DIVERGENT = "divergent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True, slots=True)
class StatisticComparison:
    """One statistic on both sides.

    Attributes:
        name: One of ``verdict.statistics.STATISTICS``.
        candidate: Its token-weighted mean over the candidate: a share, or nats for the surprises.
        baseline: The same over the baseline.
        difference: candidate - baseline; above 0 = worse.
        interval: 95 % cluster-bootstrap interval of the difference.
        p_value: One-sided (two-sided for the surprises), adjusted for looking at all statistics.
        unit: Of ``candidate``, ``baseline`` and ``difference``: "share" or "nats".
        gloss: What it measures, in plain words.
        two_sided: Whether a difference in either direction counts.
    """

    name: str
    candidate: float
    baseline: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    unit: str = "share"
    gloss: str = ""
    two_sided: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A candidate against a baseline.

    Attributes:
        verdict: See the module.
        reason: The verdict's ground, one sentence with its figures.
        p_value: Of the whole comparison; NaN if a side has no token to compare.
        level: The p-value below which the candidate is called divergent.
        match_loss: Baseline's minus candidate's match rate, in [-1, 1]; NaN without decided tokens.
        match_loss_upper: Its one-sided 95 % upper bound.
        sequences: Sequences with tokens to compare: (candidate, baseline).
        statistics: One entry for each statistic that both sides have positions for.
        deciding: Name of the statistic with the smallest adjusted p-value; None without statistics.
    """

    verdict: Verdict
    reason: str
    p_value: float
    level: float
    match_loss: float
    match_loss_upper: float
    sequences: tuple[int, int]
    statistics: tuple[StatisticComparison, ...]
    deciding: str | None = None


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
