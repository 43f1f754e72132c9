"""The verdict stage: the stored scores of a run -> its report, made once and kept there."""

from __future__ import annotations

from collections.abc import Callable

from token_difr._core import __version__
from token_difr.diagnosis import Side, diagnose
from token_difr.errors import RunDirectoryError
from token_difr.findings import changed_rule, find_all
from token_difr.planning import Design, forecast, noise_of
from token_difr.records import (
    Audit,
    Decision,
    Diagnosis,
    Finding,
    Parting,
    Power,
    Provenance,
    Report,
    Rule,
    Scores,
    Verdict,
)
from token_difr.run.baseline import Baseline
from token_difr.run.directory import RunDirectory
from token_difr.run.evidence import evidence_of
from token_difr.run.manifest import now
from token_difr.run.pairing import pairs_by_prompt
from token_difr.run.score_file import DigestedScores
from token_difr.sequences import Tokenizer
from token_difr.verdict import SideRows, decide, doubts, row_facts, worst_partings
from token_difr.verdict.deviation_table import Sampling

__all__ = ["decide_run", "decision_of", "power_of", "sampling_of"]


def decide_run(
    run: RunDirectory,
    scores: DigestedScores,
    baseline: Baseline | None = None,
    *,
    rule: Rule | None = None,
    tokenizer: Tokenizer | None = None,
    conclude: Callable[[Decision], Decision] | None = None,
) -> Report:
    """Judge the scores of ``run``; the report is kept there if it is open for writing.

    Args:
        run: A run with all its rows.
        scores: Its scores, from :func:`~token_difr.run.stages.score_run`.
        baseline: See :func:`~token_difr.run.baseline.baseline_of`.
        rule: By which rule; None = the default one.
        tokenizer: The model's tokenizer, for what needs it: some findings, and where the outputs part; None = without.
        conclude: What the decision comes to for an audit that was asked until a verdict; None = for one that was not.

    Raises:
        RunDirectoryError: Rows are missing.
        InputError: The scores of both sides cannot be compared, see :func:`~token_difr.verdict.compare`.
    """
    rule = rule or Rule()
    known = None if conclude is not None else _decided(run, scores.digest, rule, baseline)
    if known is not None and (known.power or not power_of(run.audit, known.decision, scores.scores, baseline)):
        return known
    plain = decision_of(run, scores.scores, baseline, rule)
    decision = plain if conclude is None else conclude(plain)
    findings = _findings(run, rule, tokenizer)
    report = Report(
        audit=run.audit,
        decision=decision,
        findings=findings,
        partings=() if tokenizer is None else _partings(run, scores.scores, tokenizer),
        provenance=Provenance(
            version=__version__,
            started=run.started,
            decided=now(),
            scores=scores.digest,
            baseline=None if baseline is None else baseline.origin,
        ),
        power=power_of(run.audit, decision, scores.scores, baseline),
        diagnosis=None
        if tokenizer is None or run.redacted
        else _diagnosis(run, scores.scores, baseline, tokenizer=tokenizer, findings=findings, decision=decision),
    )
    if run.writable:
        run.keep_report(report)
    return report


def _findings(run: RunDirectory, rule: Rule, tokenizer: Tokenizer | None) -> tuple[Finding, ...]:
    """What is said of the rule, then what the records show; those of a run without its texts are not looked at."""
    changed = changed_rule(run.rule, rule)
    found = () if run.redacted else find_all(evidence_of(run, tokenizer))
    return found if changed is None else (changed, *found)


def decision_of(run: RunDirectory, scores: Scores, baseline: Baseline | None, rule: Rule) -> Decision:
    """The decision; with a baseline run, answers to the same prompts are paired, and its rows looked at."""
    if baseline is None or baseline.prompts is None or baseline.rows is None:
        return decide(scores, None if baseline is None else baseline.scores, rule=rule)
    pairs = pairs_by_prompt(run.prompt_digests, baseline.prompts)
    rows = SideRows(candidate=row_facts(run.batch()), baseline=baseline.rows)
    return decide(scores, baseline.scores, rule=rule, pairs=pairs, rows=rows)


def power_of(audit: Audit, decision: Decision, scores: Scores, baseline: Baseline | None) -> Power | None:
    """What the run could have shown; None where it came to a verdict, and of near ties."""
    of_ties = audit.judged is not None and audit.judged.of_ties
    if decision.verdict is not Verdict.INCONCLUSIVE or of_ties:
        return None
    comparison, summary = decision.comparison, decision.summary
    if comparison is None or baseline is None:
        answers = summary.sequences - summary.empty_sequences - summary.withheld_sequences
        return forecast((answers, answers), Design(decision.rule.level), sampling_of(audit))
    return forecast(
        comparison.sequences,
        Design(decision.rule.level, paired=comparison.paired),
        sampling_of(audit),
        noise=noise_of(baseline.scores),
        blocked=any(doubts(scores, baseline.scores, decision.rule, baseline.rows)),
    )


def sampling_of(audit: Audit) -> Sampling | None:
    """How answers were asked for, in the words of the table of deviations; None where no noise is replayed."""
    if audit.params.greedy:
        return "greedy"
    return "sampled" if audit.replays else None


def _decided(run: RunDirectory, digest: str, rule: Rule, baseline: Baseline | None) -> Report | None:
    """The report that is kept on the same scores, the same baseline and by the same rule; None where there is none."""
    try:
        known = run.report_on(digest)
    except RunDirectoryError:  # edited or damaged: it is made anew
        return None
    if known is None or known.provenance.version != __version__ or known.decision.rule != rule:
        return None
    if known.decision.sequential is not None:
        return None
    return known if known.provenance.baseline == (None if baseline is None else baseline.origin) else None


def _diagnosis(
    run: RunDirectory,
    scores: Scores,
    baseline: Baseline | None,
    *,
    tokenizer: Tokenizer,
    findings: tuple[Finding, ...],
    decision: Decision,
) -> Diagnosis | None:
    """Where and why the outputs part; None of near ties, which have one token each."""
    if run.audit.judged is not None and run.audit.judged.of_ties:
        return None
    candidate, against = Side(evidence=evidence_of(run, tokenizer), scores=scores), None
    if baseline is not None and baseline.evidence is not None:
        against = Side(evidence=baseline.evidence, scores=baseline.scores)
    return diagnose(candidate, against, tokenizer, findings, comparison=decision.comparison, level=decision.rule.level)


def _partings(run: RunDirectory, scores: Scores, tokenizer: Tokenizer) -> tuple[Parting, ...]:
    sequences = run.sequences()
    ordered = [sequences[index] for index in range(len(run.prompts))]
    return tuple(worst_partings(run.batch(), scores, ordered, tokenizer.decode))
