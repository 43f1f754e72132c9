"""The verdict stage: the stored scores of a run -> its report, made once and kept there."""

from __future__ import annotations

from token_difr._core import __version__
from token_difr.findings import Evidence, find_all
from token_difr.records import Parting, Provenance, Report, Scores
from token_difr.run.baseline import Baseline
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import now
from token_difr.run.score_file import DigestedScores
from token_difr.sequences import Tokenizer
from token_difr.verdict import decide, worst_partings

__all__ = ["decide_run", "evidence_of"]


def decide_run(
    run: RunDirectory,
    scores: DigestedScores,
    baseline: Baseline | None = None,
    *,
    level: float = 0.01,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
) -> Report:
    """Judge the scores of ``run``; the report is kept there if it is open for writing.

    Args:
        run: A run with all its rows.
        scores: Its scores, from :func:`~token_difr.run.stages.score_run`.
        baseline: See :func:`~token_difr.run.baseline.baseline_of`.
        level: False-alarm rate of "divergent", in [0.001, 1).
        seed: Seed of the permutations and of the bootstrap.
        tokenizer: The model's tokenizer, for what needs it: some findings, and where the outputs part; None = without.

    Raises:
        RunDirectoryError: Rows are missing.
        InputError: ``level`` or ``seed`` out of range.
    """
    report = Report(
        audit=run.audit,
        decision=decide(scores.scores, None if baseline is None else baseline.scores, level=level, seed=seed),
        findings=find_all(evidence_of(run, tokenizer)),
        partings=() if tokenizer is None else _partings(run, scores.scores, tokenizer),
        provenance=Provenance(
            version=__version__,
            started=run.started,
            decided=now(),
            scores=scores.digest,
            baseline=None if baseline is None else baseline.origin,
        ),
    )
    if run.writable:
        run.keep_report(report)
    return report


def evidence_of(run: RunDirectory, tokenizer: Tokenizer | None = None) -> Evidence:
    """The records of ``run``, as the findings look at them.

    Raises:
        RunDirectoryError: Rows are missing.
    """
    batch, responses, sequences = run.batch(), run.responses(), run.sequences()
    order = range(len(run.prompts))
    return Evidence(
        audit=run.audit,
        prompts=run.prompts,
        responses=[responses[index] for index in order],
        sequences=[sequences[index] for index in order],
        batch=batch,
        tokenizer=tokenizer,
    )


def _partings(run: RunDirectory, scores: Scores, tokenizer: Tokenizer) -> tuple[Parting, ...]:
    sequences = run.sequences()
    ordered = [sequences[index] for index in range(len(run.prompts))]
    return tuple(worst_partings(run.batch(), scores, ordered, tokenizer.decode))
