"""The decision of an audit that was asked until a verdict: by bets and comparison together.

The bets (:mod:`~token_difr.verdict.answer_bets`) keep their error however often one looks; the comparison that judges any audit
must agree, with all that it asks for: prompts alike, enough answers, enough of them compared. A second condition makes
neither *divergent* nor *consistent* likelier.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from token_difr.records import Decision, Rule, Scores, SequentialAudit, Verdict
from token_difr.run.baseline import Baseline
from token_difr.run.directory import RunDirectory
from token_difr.run.pairing import counterparts
from token_difr.verdict.answer_bets import AnswerBets, bet_on_answers, excludes_loss, fewest_further, loss_upper

__all__ = [
    "Ended",
    "agreed",
    "decided_by",
    "further_answers",
    "may_be_decided",
    "progress_line",
    "sequential_decision",
    "test_record",
]

UNTIL_AGREED = 16
"""Answers that are asked for at once where the bets are decided and the comparison does not agree yet."""

Ended = Literal["divergent", "consistent", "exhausted", "budget"]


def sequential_decision(
    run: RunDirectory, scores: Scores, plain: Decision, told: SequentialAudit, against: Baseline
) -> Decision:
    """The decision of a run that was asked until a verdict, made anew from its scores.

    Args:
        run: The run.
        scores: Its scores.
        plain: What the comparison of all answers at once comes to.
        told: What was kept of the test: why it ended, by whose count, is nothing that scores tell.
        against: The baseline.
    """
    _, pairs = counterparts(run.prompt_digests, against.prompts or (), paired=told.paired)
    bets, rule = bet_on_answers(scores, against.scores, pairs), plain.rule
    ended = told.stopped if told.stopped in {"exhausted", "budget"} else "exhausted"
    stopped = agreed(bets, plain, rule) or ended
    return decided_by(plain, test_record(bets, stopped, paired=told.paired, tokens=told.tokens, cost=told.cost), rule)


def _are_won(bets: AnswerBets, rule: Rule) -> bool:
    """Whether the wealth has ever reached what an honest provider's reaches in ``rule.level`` of all audits at most."""
    return bool((bets.wealth >= 1 / rule.level).any())


def _loss_is_excluded(bets: AnswerBets, rule: Rule) -> bool:
    """Whether there are as many answers as ``rule.tolerance`` asks for, and the mean loss is surely below it."""
    return len(bets.losses) >= rule.fewest_sequences and excludes_loss(bets.losses, rule.tolerance)


def may_be_decided(bets: AnswerBets, rule: Rule) -> bool:
    """Whether the bets have come to a verdict, so that it is worth comparing all answers at once."""
    return _are_won(bets, rule) or _loss_is_excluded(bets, rule)


def further_answers(bets: AnswerBets, rule: Rule) -> int:
    """How many answers to ask for at once where nothing is decided: as many as there can be a verdict behind at the earliest."""
    if may_be_decided(bets, rule):
        return UNTIL_AGREED
    return fewest_further(bets, level=rule.level, tolerance=rule.tolerance, fewest=rule.fewest_sequences)


def agreed(bets: AnswerBets, plain: Decision, rule: Rule) -> Ended | None:
    """The verdict that bets and comparison both come to; None where there is none."""
    if _are_won(bets, rule) and plain.verdict is Verdict.DIVERGENT:
        return "divergent"
    if _loss_is_excluded(bets, rule) and plain.verdict is Verdict.CONSISTENT:
        return "consistent"
    return None


def test_record(bets: AnswerBets, stopped: Ended, *, paired: bool, tokens: int, cost: float | None) -> SequentialAudit:
    """What is kept of the test; the arguments are its fields."""
    return SequentialAudit(
        stopped=stopped,
        paired=paired,
        pairs=len(bets.wealth),
        wealth=tuple(bets.wealth.tolist()),
        loss_upper=loss_upper(bets.losses),
        tokens=tokens,
        cost=cost,
    )


def decided_by(plain: Decision, test: SequentialAudit, rule: Rule) -> Decision:
    """The decision by the bets: its verdict, its ground, and a p-value that holds whenever one stopped."""
    verdict = Verdict(test.stopped) if test.stopped in set(Verdict) else Verdict.INCONCLUSIVE
    reason = _reason(plain, test, rule)
    comparison = plain.comparison
    if comparison is not None:
        # By Ville's inequality the inverse of the largest wealth is one.
        p_value = min(1.0, 1 / max(test.wealth, default=1.0))
        known = comparison.as_large_as if verdict is Verdict.DIVERGENT else None
        comparison = replace(comparison, verdict=verdict, reason=reason, p_value=p_value, as_large_as=known)
    return replace(plain, verdict=verdict, reason=reason, comparison=comparison, sequential=test)


def _reason(plain: Decision, test: SequentialAudit, rule: Rule) -> str:
    wealth, tolerance = max(test.wealth, default=1.0), f"{100 * rule.tolerance:g} points"
    asked = f"asked until a verdict, {test.pairs:,} answers: bets that each is worse than its counterpart have multiplied by {wealth:,.3g}"
    loss = f"its answers lose at most {100 * test.loss_upper:.2f} points of match rate in the mean (95 % bound, however often one looks)"
    if test.stopped == "divergent":
        return (
            f"{asked}, and by {1 / rule.level:g} or more they do for an honest provider in {100 * rule.level:g} % of all audits "
            f"at most, however often one looks; judged as if all had been asked at once: {plain.reason}"
        )
    if test.stopped == "consistent":
        return (
            f"{asked} at most; {loss}, less than {tolerance}; judged as if all had been asked at once: {plain.reason}"
        )
    end = "the ceiling is reached" if test.stopped == "budget" else "all prompts are asked"
    if wealth >= 1 / rule.level:
        return f"{asked}, and {end}; but judged as if all had been asked at once: {plain.reason}"
    return (
        f"{asked} at most, where *divergent* takes {1 / rule.level:g}; {loss}, where *consistent* takes less than {tolerance}, from "
        f"{rule.fewest_sequences} answers on; {end}: more prompts would decide"
    )


def progress_line(bets: AnswerBets) -> str:
    """Where an audit stands that goes on."""
    wealth = float(bets.wealth[-1]) if bets.wealth.size else 1.0
    return (
        f"{len(bets.wealth):,} answers: the bets stand at {wealth:.3g}, at most {100 * loss_upper(bets.losses):.1f} points of match "
        "rate are lost"
    )
