"""One provider on one date: what its run directory shows beside the trusted one's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from token_difr.campaign.answers import Answers, board_of
from token_difr.records import CampaignProvider, MixtureShare, Standing, Verdict
from token_difr.verdict.attribution import MIXED, attributed
from token_difr.verdict.flip_curves import FlipCurve, fitted_curve
from token_difr.verdict.mixture import least_share, mixture_of
from token_difr.verdict.tie_groups import pair_p_value
from token_difr.verdict.tie_kinds import log_likelihood_ratios

__all__ = ["standing_of"]


def standing_of(
    provider: CampaignProvider, answers: Answers, trusted: Sequence[Answers], failure: str | None
) -> Standing:
    """The standing, before anything is adjusted for the other providers.

    Args:
        provider: The provider.
        answers: Its own.
        trusted: Those of the trusted providers that have a report, the one first that makes the pairs.
        failure: What was kept of why it is not finished.
    """
    report, baseline = answers.report, next(iter(trusted), None)
    comparison = None if report is None else report.decision.comparison
    judged = provider.role == "candidate" and comparison is not None
    kinds, mixture = _kinds(answers, baseline) if judged and baseline is not None else ((), None)
    verdict = report.decision.verdict if judged and report is not None else None
    return Standing(
        name=provider.name,
        role=provider.role,
        answers=answers.responses,
        asked=answers.questions,
        mismatch=_mismatch(answers),
        verdict=verdict,
        p_value=None if not judged or comparison is None else _p_value(comparison.p_value, answers, trusted[1:]),
        adjusted=None,
        groups="",
        deviations=_deviations(answers, kinds) if verdict is Verdict.DIVERGENT else (),
        mixture=mixture,
        warnings=tuple(name for name in _warnings(answers) if baseline is None or name not in _warnings(baseline)),
        failure=answers.damage or failure or _unfinished(answers),
    )


def _p_value(own: float, answers: Answers, others: Sequence[Answers]) -> float | None:
    """Of the hypothesis that the provider is as one of the trusted ones: honest providers differ among themselves.

    It holds if one of the pairwise hypotheses does, so the largest p-value counts.
    """
    if not own <= 1:
        return None
    boards = [board_of([answers, other]) for other in others if answers.outcomes and other.outcomes]
    return max([own, *(pair_p_value(board.outcomes[0], board.outcomes[1], board.gaps) for board in boards)])


def _warnings(answers: Answers) -> tuple[str, ...]:
    findings = () if answers.report is None else answers.report.findings
    return tuple(each.name for each in findings if each.level == "warning")


def _unfinished(answers: Answers) -> str | None:
    if answers.report is not None:
        return None
    if answers.questions is None:
        return "was not asked"
    return f"is not finished: {answers.responses:,} of {answers.questions:,} answers are there"


def _mismatch(answers: Answers) -> float | None:
    if answers.outcomes:
        return sum(outcome > 0 for outcome in answers.outcomes.values()) / len(answers.outcomes)
    if answers.report is None:
        return None
    rate = answers.report.decision.summary.exact_match_rate.value
    return 1 - rate if 0 <= rate <= 1 else None


def _deviations(answers: Answers, kinds: tuple[str, ...]) -> tuple[str, ...]:
    comparison = None if answers.report is None else answers.report.decision.comparison
    size = None if comparison is None else comparison.as_large_as
    return kinds or (() if size is None else (size,))


def _kinds(answers: Answers, baseline: Answers) -> tuple[tuple[str, ...], MixtureShare | None]:
    """What it may be, and the share of it. Of ties alone: whole answers have no known shape to be told by."""
    board = board_of([answers, baseline])
    (ours, theirs), known = board.outcomes, ~np.isnan(board.gaps)
    asked, trusted = known & (ours >= 0), known & (theirs >= 0)
    if not asked.any() or not trusted.any():
        return (), None
    stored = None if answers.report is None else answers.report.decision.ties
    if stored is None or stored.curve is None:
        curve = fitted_curve(board.gaps[trusted], theirs[trusted] > 0)
    else:
        curve = FlipCurve.of(stored.curve)
    gaps, outcomes = board.gaps[asked], ours[asked]
    honest = curve.at(gaps)
    mixed = mixture_of(gaps, outcomes, honest)
    kinds = attributed({**log_likelihood_ratios(gaps, outcomes, honest), MIXED: mixed.ratio}, len(gaps))
    least = least_share(ours, theirs)
    return kinds, MixtureShare(least=least, share=mixed.share, low=mixed.low, high=mixed.high, explains=MIXED in kinds)
