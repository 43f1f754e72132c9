"""One provider on one date: what its run directory shows beside the trusted one's."""

from __future__ import annotations

import numpy as np

from token_difr.campaign.answers import Answers, board_of
from token_difr.records import CampaignProvider, MixtureShare, Standing, Verdict
from token_difr.verdict.flip_curves import FlipCurve, fitted_curve
from token_difr.verdict.mixture import least_share, mixture_of

__all__ = ["standing_of"]

MIXED = "in part: weights of 4 bits or fewer, or another model"


def standing_of(
    provider: CampaignProvider, answers: Answers, baseline: Answers | None, failure: str | None
) -> Standing:
    """The standing, before anything is adjusted for the other providers.

    Args:
        provider: The provider.
        answers: Its own.
        baseline: Those of the trusted provider; None where nobody trusted has answered.
        failure: What was kept of why it is not finished.
    """
    report = answers.report
    comparison = None if report is None else report.decision.comparison
    judged = provider.role == "candidate" and comparison is not None
    mixture = _mixture(answers, baseline) if judged and baseline is not None else None
    verdict = report.decision.verdict if judged and report is not None else None
    return Standing(
        name=provider.name,
        role=provider.role,
        answers=answers.responses,
        asked=answers.questions,
        mismatch=_mismatch(answers),
        verdict=verdict,
        p_value=comparison.p_value if judged and comparison is not None and comparison.p_value <= 1 else None,
        adjusted=None,
        groups="",
        deviation=_deviation(answers, mixture) if verdict is Verdict.DIVERGENT else None,
        mixture=mixture,
        warnings=() if report is None else tuple(each.name for each in report.findings if each.level == "warning"),
        failure=answers.damage or failure or _unfinished(answers),
    )


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


def _deviation(answers: Answers, mixture: MixtureShare | None) -> str | None:
    if mixture is not None and mixture.explains:
        return MIXED
    decision = None if answers.report is None else answers.report.decision
    if decision is None:
        return None
    if decision.ties is not None:
        return decision.ties.kind
    return None if decision.comparison is None else decision.comparison.as_large_as


def _mixture(answers: Answers, baseline: Answers) -> MixtureShare | None:
    """Of ties alone: whole answers have no known shape to be mixed from."""
    board = board_of([answers, baseline])
    ours, theirs = board.outcomes
    known = (ours >= 0) & ~np.isnan(board.gaps)
    if not known.any() or not (theirs >= 0).any():
        return None
    curve = (
        None if answers.report is None or answers.report.decision.ties is None else answers.report.decision.ties.curve
    )
    asked = (theirs >= 0) & ~np.isnan(board.gaps)
    honest = fitted_curve(board.gaps[asked], theirs[asked] > 0) if curve is None else FlipCurve.of(curve)
    fitted = mixture_of(board.gaps[known], ours[known], honest.at(board.gaps[known]))
    return MixtureShare(
        least=least_share(ours, theirs), share=fitted.share, low=fitted.low, high=fitted.high, explains=fitted.explains
    )
