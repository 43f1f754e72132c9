"""What an audit comes to, from a single figure to the verdict: plain values, made in :mod:`token_difr.verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from token_difr.records.near_ties import NearTies
from token_difr.records.rule import Rule
from token_difr.records.sequential import SequentialAudit

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
        sequences: Number of sequences, empty and withheld ones included.
        empty_sequences: Number of answers without a token.
        withheld_sequences: Number of answers that were not scored, since their own tokens are not known or the
            reference could not read them.
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
    withheld_sequences: int
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
        name: The statistic's name, such as "mismatch_rate".
        unit: The unit of the three figures that follow and of ``interval``: "share" (0 to 1), "nats" or "tokens".
        gloss: What it says, in plain words.
        two_sided: Whether a difference counts in both directions; else only a candidate above its baseline is worse.
        candidate: Its mean over all that counts of the candidate.
        baseline: The same over the baseline.
        difference: candidate - baseline.
        interval: 95 % interval of the difference, see :mod:`token_difr.verdict.intervals`.
        p_value: How easily chance gives a difference as large, in one direction or both as ``two_sided`` says, adjusted
            for looking at all statistics.
    """

    name: str
    unit: str
    gloss: str
    two_sided: bool
    candidate: float
    baseline: float
    difference: float
    interval: tuple[float, float]
    p_value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A candidate against a baseline.

    Attributes:
        verdict: What it comes to.
        reason: The verdict's ground, one sentence with its figures.
        p_value: Of the whole comparison; NaN if a side has no answer.
        match_loss: Baseline's minus candidate's match rate, in [-1, 1]; NaN without decided tokens.
        match_loss_upper: Its one-sided 95 % upper bound.
        margin_ratio_upper: 95 % upper bound of the candidate's mean margin, clipped at 0.1 nats, as a multiple of the
            baseline's; NaN where it is not known or has no bound.
        as_large_as: The known deviation that the difference is about as large as, where the verdict is divergent;
            "unknown" where none is near. None else.
        paired: Whether answers to the same prompts were compared.
        sequences: Sequences with tokens to compare: (candidate, baseline).
        tokens: All scored tokens of both sides.
        compared_tokens: Those of them that were compared: each answer is cut to the length of its counterpart.
        statistics: One entry for each statistic that both sides have positions for.
        deciding: Name of the one with the smallest p-value: where the verdict is divergent, it is
            the one that decided; of several with that p-value, the one with the largest effect. None where there is no
            statistic.
        rule: The rule by which it was judged.
    """

    verdict: Verdict
    reason: str
    p_value: float
    match_loss: float
    match_loss_upper: float
    margin_ratio_upper: float
    as_large_as: str | None
    paired: bool
    sequences: tuple[int, int]
    tokens: tuple[int, int]
    compared_tokens: tuple[int, int]
    statistics: tuple[StatisticComparison, ...]
    deciding: str | None
    rule: Rule

    @property
    def level(self) -> float:
        """The p-value below which the candidate is called divergent."""
        return self.rule.level


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What an audit comes to.

    Attributes:
        verdict: The comparison's verdict; always inconclusive without a baseline.
        reason: The verdict's ground, one sentence.
        rule: The rule by which it was judged.
        summary: The candidate's scores together.
        baseline: The baseline's scores together; None without a baseline.
        comparison: Candidate against baseline; None without a baseline.
        ties: The counts of near ties; None where whole answers were audited.
        sequential: The test of answers that were asked for until a verdict; None where all were asked for at once.
    """

    verdict: Verdict
    reason: str
    rule: Rule
    summary: Summary
    baseline: Summary | None = None
    comparison: Comparison | None = None
    ties: NearTies | None = None
    sequential: SequentialAudit | None = None
