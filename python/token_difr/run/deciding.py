"""The verdict stage: the stored scores of a run -> its report, made once and kept there."""

from __future__ import annotations

from token_difr._core import __version__
from token_difr.diagnosis import Side, diagnose
from token_difr.errors import RunDirectoryError
from token_difr.findings import find_all
from token_difr.records import Decision, Diagnosis, Finding, Parting, Provenance, Report, Rule, Scores
from token_difr.run.baseline import Baseline
from token_difr.run.directory import RunDirectory
from token_difr.run.evidence import evidence_of
from token_difr.run.manifest import now
from token_difr.run.pairing import pairs_by_prompt, prompt_digests
from token_difr.run.score_file import DigestedScores
from token_difr.sequences import Tokenizer
from token_difr.verdict import SideRows, decide, row_facts, worst_partings

__all__ = ["decide_run", "decision_of"]


def decide_run(
    run: RunDirectory,
    scores: DigestedScores,
    baseline: Baseline | None = None,
    *,
    rule: Rule | None = None,
    tokenizer: Tokenizer | None = None,
) -> Report:
    """Judge the scores of ``run``; the report is kept there if it is open for writing.

    Args:
        run: A run with all its rows.
        scores: Its scores, from :func:`~token_difr.run.stages.score_run`.
        baseline: See :func:`~token_difr.run.baseline.baseline_of`.
        rule: By which rule; None = the default one.
        tokenizer: The model's tokenizer, for what needs it: some findings, and where the outputs part; None = without.

    Raises:
        RunDirectoryError: Rows are missing.
        InputError: The scores of both sides cannot be compared, see :func:`~token_difr.verdict.compare`.
    """
    rule = rule or Rule()
    known = _decided(run, scores.digest, rule, baseline)
    if known is not None:
        return known
    decision = decision_of(run, scores.scores, baseline, rule)
    findings = find_all(evidence_of(run, tokenizer))
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
        diagnosis=None
        if tokenizer is None
        else _diagnosis(run, scores.scores, baseline, tokenizer=tokenizer, findings=findings, decision=decision),
    )
    if run.writable:
        run.keep_report(report)
    return report


def decision_of(run: RunDirectory, scores: Scores, baseline: Baseline | None, rule: Rule) -> Decision:
    """The decision; with a baseline run, answers to the same prompts are paired, and its rows looked at."""
    if baseline is None or baseline.prompts is None or baseline.rows is None:
        return decide(scores, None if baseline is None else baseline.scores, rule=rule)
    pairs = pairs_by_prompt(prompt_digests(run.prompts), baseline.prompts)
    rows = SideRows(candidate=row_facts(run.batch()), baseline=baseline.rows)
    return decide(scores, baseline.scores, rule=rule, pairs=pairs, rows=rows)


def _decided(run: RunDirectory, digest: str, rule: Rule, baseline: Baseline | None) -> Report | None:
    """The report that is kept on the same scores, the same baseline and by the same rule; None where there is none."""
    try:
        known = run.report_on(digest)
    except RunDirectoryError:  # edited or damaged: it is made anew
        return None
    if known is None or known.provenance.version != __version__ or known.decision.rule != rule:
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
