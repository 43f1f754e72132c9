"""The decision of an audit of ties: that of any audit, with the counts of ties in its words."""

from __future__ import annotations

from dataclasses import replace

from token_difr.records import Decision, HonestRun, NearTies, Rule, SequentialTest, TieStratum, Verdict
from token_difr.run.audit import AuditRun
from token_difr.run.deciding import decide_run, decision_of
from token_difr.run.directory import RunDirectory
from token_difr.run.stages import score_run
from token_difr.sequences import Tokenizer
from token_difr.ties.matching import answered_token, given_id, rows_of, sequence_of
from token_difr.ties.precision import NAME, precision_mismatch
from token_difr.ties.stopping import Answered
from token_difr.ties.strata import gap_ranges
from token_difr.ties.tie import TieSet
from token_difr.ties.trusted import Trusted
from token_difr.verdict import doubts
from token_difr.verdict.flip_curves import FlipCurve
from token_difr.verdict.tie_kinds import UNKNOWN, kind_of, log_likelihood_ratios

__all__ = ["judge_ties", "keep_rows"]


def judge_ties(
    run: RunDirectory,
    ties: TieSet,
    tokenizer: Tokenizer,
    against: Trusted,
    rule: Rule,
    *,
    sequential: SequentialTest | None,
    precision: str | None = None,
) -> AuditRun:
    """The audit of a run that has all its rows.

    Args:
        run: The run, open for writing.
        ties: What it asked, in its order.
        tokenizer: The model's tokenizer.
        against: The honest runs.
        rule: By which rule.
        sequential: What ended the asking; None where all ties were asked at once, which the permutation test judges.
        precision: What the provider claims to compute in; None = as an earlier call said.
    """
    scores = score_run(run)
    report = kept = decide_run(run, scores, against.baseline, rule=rule, tokenizer=tokenizer)
    answered = against.beside(run, ties)
    near = _counted(answered, against, sequential)
    known = report.decision.ties
    if known is None or replace(known, kind=None, likelihoods={}) != near:
        plain = report.decision
        if known is not None:  # kept, but beside other honest runs
            plain = decision_of(run, scores.scores, against.baseline, rule)
        doubt = None
        if against.baseline is not None:
            doubt = next(doubts(scores.scores, against.baseline.scores, rule, against.baseline.rows), None)
        report = replace(report, decision=_with_kind(_told(plain, near, rule, doubt), answered, against))
    stated = [found for found in report.findings if found.name == NAME]
    mismatch = stated if precision is None else [precision_mismatch(ties, precision)]
    findings = (*(found for found in report.findings if found.name != NAME), *filter(None, mismatch))
    if report != kept or findings != tuple(report.findings):
        report = replace(report, findings=findings)
        run.keep_report(report)
    return AuditRun(path=run.path, scores=scores.scores, report=report)


def _counted(answered: Answered, against: Trusted, sequential: SequentialTest | None) -> NearTies:
    asked = answered.fell >= 0
    honest = [
        replace(known, asked=int((flips >= 0).sum()), fell=int((flips > 0).sum()))
        for known, flips in zip(against.honest.runs, answered.honest, strict=True)
    ]
    strata = [
        TieStratum(
            low=low,
            high=high,
            asked=int((asked & inside).sum()),
            fell=int((answered.fell[inside] > 0).sum()),
            honest_asked=sum(int((flips[inside] >= 0).sum()) for flips in answered.honest),
            honest_fell=sum(int((flips[inside] > 0).sum()) for flips in answered.honest),
        )
        for low, high, inside in gap_ranges(answered.gaps)
    ]
    return NearTies(
        asked=int(asked.sum()),
        fell=int((answered.fell > 0).sum()),
        honest=tuple(honest),
        strata=tuple(strata),
        sequential=sequential,
        curve=against.curve,
    )


def _told(plain: Decision, near: NearTies, rule: Rule, doubt: str | None) -> Decision:
    """The decision with the counts before its reason; by the sequential test, where there was one."""
    counts = _counts(near.asked, near.fell, near.honest)
    if near.sequential is None:
        return replace(plain, reason=f"{counts}; {plain.reason}", ties=near)
    verdict = Verdict.INCONCLUSIVE
    if doubt is None and near.sequential.stopped in set(Verdict):
        verdict = Verdict(near.sequential.stopped)
    reason = f"{counts}; {doubt or _ground(near.sequential, rule)}"
    comparison = plain.comparison
    if comparison is not None:
        # By Ville's inequality the inverse of the largest wealth is a p-value, whenever one stopped.
        p_value = min(1.0, 1 / max(near.sequential.wealth))
        comparison = replace(comparison, verdict=verdict, reason=reason, p_value=p_value, as_large_as=None)
    return replace(plain, verdict=verdict, reason=reason, comparison=comparison, ties=near)


def _with_kind(decision: Decision, answered: Answered, against: Trusted) -> Decision:
    """The decision with the kind of the deviation, where it says that there is one."""
    if decision.verdict is not Verdict.DIVERGENT or decision.ties is None or against.curve is None:
        return decision
    honest, asked = FlipCurve.of(against.curve).at(answered.gaps), answered.outcomes >= 0
    ratios = log_likelihood_ratios(answered.gaps[asked], answered.outcomes[asked], honest[asked])
    kind = kind_of(ratios)
    told = (
        f"by the shape of its flips: {kind}"
        if kind != UNKNOWN
        else "of which kind, the shape of its flips does not tell"
    )
    return replace(
        decision, reason=f"{decision.reason}; {told}", ties=replace(decision.ties, kind=kind, likelihoods=ratios)
    )


def _counts(asked: int, fell: int, honest: tuple[HonestRun, ...]) -> str:
    words = f"{fell} of {asked} near ties fell the other way"
    if not honest:
        return words
    them = "honest runs" if len(honest) > 1 else "the honest run"
    return f"{words}; {them}: {sum(each.fell for each in honest)} of {sum(each.asked for each in honest)}"


def _ground(test: SequentialTest, rule: Rule) -> str:
    chance, tolerance = f"{100 * rule.level:g} %", f"{100 * rule.tolerance:g} points"
    pairs = f"of {test.pairs} pairs {test.alone} fell for the provider alone and {test.baseline_alone} for the baseline alone"
    if test.stopped == "divergent":
        return (
            f"{pairs}: bets on that have multiplied by {max(test.wealth):,.0f}, and by {1 / rule.level:g} or more they do for "
            f"an honest provider in {chance} of all audits at most, however often one looks"
        )
    most = f"at most {100 * test.loss_upper:.1f} points more of its ties fall than of an honest run's"
    sure = f"({100 * (1 - rule.level):g} % bound, however often one looks)"
    if test.stopped == "consistent":
        return f"{pairs}: {most} {sure}, less than {tolerance}; up to {300 / test.pairs:.1f} % of the requests could be misserved unseen"
    asked, end = ("all ties are asked", "more ties") if test.stopped == "exhausted" else ("more will be asked", "they")
    return (
        f"{pairs}, and {asked}: bets on that have multiplied by {max(test.wealth):,.1f} at most, where *divergent* "
        f"takes {1 / rule.level:g}; {most} {sure}, where *consistent* takes less than {tolerance}: {end} would decide"
    )


def keep_rows(run: RunDirectory, ties: TieSet, tokenizer: Tokenizer, *, tokens: int) -> None:
    """Keep tokens and rows of the answers that have none yet.

    Args:
        run: A run that has all answers to ``ties``.
        ties: What it asked, in its order.
        tokenizer: The model's tokenizer.
        tokens: How many were asked for.
    """
    responses, done = run.responses(), run.sequences()
    made = {}
    for index, tie in enumerate(ties.ties):
        if index not in done:
            token = answered_token(tie, responses[index], tokenizer, tokens=tokens)
            made[index] = sequence_of(tie, token, by_id=given_id(responses[index]) is not None)
    if made:
        run.keep_sequences(made)
    sequences, judged = run.sequences(), run.rows()
    for index, tie in enumerate(ties.ties):
        if index not in judged:
            run.keep_rows(index, rows_of(tie, sequences[index]))
