"""The verdict and its ground in one sentence, from the figures of a comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from token_difr.records import Rule, StatisticComparison, Verdict
from token_difr.verdict.known_deviations import UNKNOWN
from token_difr.verdict.matching import Matched
from token_difr.verdict.misserved import Misserved
from token_difr.verdict.permutation import Z_TWO_SIDED_99
from token_difr.verdict.prompt_mix import PromptMix

__all__ = ["Evidence", "judged"]

LEAST_COMPARED = 0.5
"""The share of the candidate's tokens that *consistent* needs compared."""

LENGTHS_ALIKE = 0.1
"""By what share of the longer ones' mean the mean lengths of answers may differ without a word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a verdict rests on.

    Attributes:
        matched: Both sides.
        p_value: Of the permutation test; NaN where there was nothing to test.
        deciding: The statistic that shows most; None where there is none.
        mismatch: The mismatch rate on both sides; None where nothing is decided.
        bound: Upper bound of the loss in match rate, a share, ``hidden`` included; NaN where nothing is decided.
        margin_ratio: Upper bound of the clipped margins as a multiple of the baseline's; NaN where not known.
        as_large_as: The known deviation that the difference is as large as.
        mix: How the prompts of both sides differ.
        hidden: How much of a loss in match rate that may hide, a share.
        beyond_mix: The p-value against a baseline whose prompts had been as hard; 0 where they do not differ.
        misserved: Answers of the candidate that look wholly misserved.
        unread: By what share of the answers the reference could read fewer of the candidate's than of the baseline's.
    """

    matched: Matched
    p_value: float
    deciding: StatisticComparison | None
    mismatch: StatisticComparison | None
    bound: float
    margin_ratio: float
    as_large_as: str
    mix: PromptMix
    hidden: float
    beyond_mix: float
    misserved: Misserved
    unread: float = 0.0


def judged(evidence: Evidence, rule: Rule, doubt: str | None) -> tuple[Verdict, str]:
    """The verdict and its ground.

    Args:
        evidence: The figures.
        rule: By which rule.
        doubt: Why the comparison can show nothing; None where nothing speaks against it.
    """
    nothing = _nothing(evidence, rule)
    if doubt is not None or nothing is not None:
        return Verdict.INCONCLUSIVE, doubt or str(nothing)
    verdict, reason = _compared(evidence, rule)
    return verdict, reason + _lengths_apart(evidence.matched)


def _compared(evidence: Evidence, rule: Rule) -> tuple[Verdict, str]:
    if evidence.p_value < rule.level and evidence.deciding is not None:
        if evidence.beyond_mix >= rule.level:
            return Verdict.INCONCLUSIVE, _other_prompts(
                evidence, f"honest answers may differ so (p = {evidence.p_value:.4f})"
            )
        return Verdict.DIVERGENT, _divergence(evidence, evidence.deciding, rule)
    if evidence.hidden and evidence.bound >= rule.tolerance:
        loss = f"a loss of {100 * evidence.bound:.2f} points in match rate could go unseen (95 % bound)"
        return Verdict.INCONCLUSIVE, _other_prompts(evidence, loss)
    missing = next(_lacks(evidence, rule), None)
    if missing is not None:
        return Verdict.INCONCLUSIVE, missing
    return Verdict.CONSISTENT, _consistency(evidence, rule)


def _lengths_apart(matched: Matched) -> str:
    """A clause about the lengths of the answers, where they surely differ by a tenth or more."""
    ours, theirs = matched.lengths
    if not (ours.size and theirs.size):
        return ""
    means = float(ours.mean()), float(theirs.mean())
    difference, error = abs(means[0] - means[1]), math.sqrt(ours.var() / ours.size + theirs.var() / theirs.size)
    if difference <= max(LENGTHS_ALIKE * max(means), Z_TWO_SIDED_99 * error):
        return ""
    return (
        f"; its answers have {means[0]:.1f} tokens in the mean, the baseline's {means[1]:.1f}: what is behind the end of the "
        "shorter ones is not compared"
    )


def _nothing(evidence: Evidence, rule: Rule) -> str | None:
    """Which side has nothing to compare; None if both have."""
    if evidence.p_value < rule.level and evidence.deciding is not None:
        return None  # by what is counted of answers without a token
    for name, side in (("candidate", evidence.matched.candidate), ("baseline", evidence.matched.baseline)):
        if side.sequences == 0:
            return f"the {name} has no token that could be compared"
    return None


def _other_prompts(evidence: Evidence, so_that: str) -> str:
    return (
        "the two sides were asked other kinds of prompts, by their lengths or by the reference's first rows "
        f"(p = {evidence.mix.p_value:.4f}), of which one may have up to {evidence.mix.factor:.1f} times as many mismatches "
        f"as the other, so that {so_that}: ask both the same prompts, which pairs the answers"
    )


def _divergence(evidence: Evidence, deciding: StatisticComparison, rule: Rule) -> str:
    differs = "differs from" if deciding.two_sided else "worse than"
    parts = [
        f"{differs} the baseline, most of all in {deciding.name}: p = {evidence.p_value:.4f}, below {rule.level:g}"
    ]
    if evidence.mismatch is not None:
        low, high = evidence.mismatch.interval
        parts.append(
            f"the match rate lies {_points(evidence.mismatch.difference)} the baseline's "
            f"(95 % interval: {_points(low)} to {_points(high)})"
        )
    if evidence.as_large_as == UNKNOWN:
        parts.append("about as large as no deviation that is known")
    else:
        parts.append(f"about as large as {evidence.as_large_as}")
    return "; ".join(parts)


def _lacks(evidence: Evidence, rule: Rule) -> Iterator[str]:
    """What *consistent* lacks, and how much of it; the gravest first."""
    shown = f"not shown to be worse (p = {evidence.p_value:.4f})"
    if math.isnan(evidence.bound):
        yield f"{shown}, {_without_bound(evidence)}"
    ours, theirs = (
        int(np.count_nonzero(side.decided)) for side in (evidence.matched.candidate, evidence.matched.baseline)
    )
    if min(ours, theirs) < rule.fewest_sequences:
        lacking = " and ".join(
            f"{rule.fewest_sequences - count} for the {name}"
            for name, count in (("candidate", ours), ("baseline", theirs))
            if count < rule.fewest_sequences
        )
        yield (
            f"too few sequences: {ours} against {theirs} in the baseline, {rule.fewest_sequences} are needed on each side "
            f"to exclude a loss of {100 * rule.tolerance:g} points in wholly misserved requests; missing: {lacking}"
        )
    if evidence.bound >= rule.tolerance:
        yield (
            f"{shown}, but the match rate may lie up to {100 * evidence.bound:.2f} points below the baseline's (95 % "
            f"bound), and only less than {100 * rule.tolerance:g} would be consistent: more prompts would decide"
        )
    if evidence.misserved.count and evidence.misserved.upper >= rule.tolerance:
        yield (
            f"{shown}, but {evidence.misserved.count} of {ours} answers mismatch in more than half of their tokens: up to "
            f"{100 * evidence.misserved.upper:.1f} % of the requests may be wholly misserved beyond the baseline's, and only "
            f"less than {100 * rule.tolerance:g} % would be consistent: more prompts would decide"
        )
    if evidence.unread >= rule.tolerance:
        yield (
            f"{shown}, but the reference could not read {100 * evidence.unread:.1f} % more of the candidate's answers than of "
            f"the baseline's, where as large a loss may hide: ask a reference that reads token ids, or one with room for them"
        )
    tokens, compared = evidence.matched.tokens[0], evidence.matched.compared[0]
    if compared < LEAST_COMPARED * tokens:
        yield (
            f"{shown}, but only {compared:,} of the candidate's {tokens:,} tokens have a counterpart in the baseline, "
            f"whose answers are shorter: at least half must be compared"
        )


def _without_bound(evidence: Evidence) -> str:
    unreplayed = any(
        statistic.name == "surprise_above" and side.weights[:, s].any()
        for side in (evidence.matched.candidate, evidence.matched.baseline)
        for s, statistic in enumerate(side.statistics)
    )
    return "without a seed to replay" if unreplayed else "and no token is decided on both sides"


def _consistency(evidence: Evidence, rule: Rule) -> str:
    sequences = int(np.count_nonzero(evidence.matched.candidate.decided))
    bound = evidence.bound
    loss = (
        f"at most {100 * bound:.2f} points below it" if bound >= 0 else f"at least {-100 * bound:.2f} points above it"
    )
    margins = (
        "its margins have no bound beside the baseline's"
        if math.isnan(evidence.margin_ratio)
        else f"its margins are at most {evidence.margin_ratio:.1f} times the baseline's"
    )
    return (
        f"within {100 * rule.tolerance:g} points of the baseline's match rate, {loss} (95 % bound; p = "
        f"{evidence.p_value:.4f}); {margins}; up to {300 / sequences:.1f} % of the requests could be misserved unseen"
    )


def _points(loss: float) -> str:
    return f"{100 * loss:.2f} points below" if loss >= 0 else f"{-100 * loss:.2f} points above"
