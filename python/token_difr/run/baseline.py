"""What an audit is compared with: the run of a provider that is trusted to serve the model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from token_difr.errors import InputError
from token_difr.findings import Evidence
from token_difr.records import Audit, BaselineRun, Resegmented, Scores
from token_difr.run.directory import RunDirectory
from token_difr.run.evidence import evidence_of
from token_difr.run.redaction import redacted_audit
from token_difr.run.score_file import digest_of
from token_difr.run.stages import score_run
from token_difr.sampler import Sampler
from token_difr.segmentation import is_repairable
from token_difr.verdict import RowFacts, row_facts

__all__ = ["Baseline", "GivenBaseline", "baseline_of"]

TEXTS = frozenset({"asked.chat_template_kwargs"})
"""What may stand as a digest in a run without its texts."""

GivenBaseline = str | os.PathLike[str] | Scores | None
"""A run directory, scores, or nothing to compare with."""


class Baseline(NamedTuple):
    """The scores to compare an audit with, and where they come from.

    Attributes:
        scores: Its scores.
        origin: Where they come from.
        prompts: The digests of its prompts, in the order of the scores; None where they are not known.
        rows: What its rows say beside the scores; None where they are not known.
        evidence: Its records; None where they are not known.
    """

    scores: Scores
    origin: BaselineRun
    prompts: tuple[str, ...] | None = None
    rows: RowFacts | None = None
    evidence: Evidence | None = None


def baseline_of(given: GivenBaseline, audit: Audit, *, out: str | os.PathLike[str]) -> Baseline | None:
    """What to compare an audit with.

    A baseline is scored as the audit is: without replay where the audit has none. Where both replay, each does so by its
    own sampler.

    Args:
        given: Run directory, or scores, of a trusted provider; None = none.
        audit: The audit's record.
        out: The audit's own run directory, which cannot be its baseline.

    Raises:
        InputError: A run that was sampled, tokenized, repaired or judged another way, so that the two cannot be compared, or
            the audit's own run.
        RunDirectoryError: No run directory, or one that is not finished.
    """
    if given is None:
        return None
    if isinstance(given, Scores):
        unknown = dict.fromkeys(("path", "provider", "model", "sampler", "started"))
        return Baseline(given, BaselineRun(**unknown, scores=digest_of(given)))
    if Path(given).resolve() == Path(out).resolve():
        raise InputError(f"{out} cannot be its own baseline: give the run of a provider that you trust")
    with RunDirectory.read(given) as run:
        differences = run.audit.differences(audit, shared_only=True) | _noise_differences(run.audit, audit)
        if differences:
            # One of them may have digests for texts of the other.
            plain = redacted_audit(run.audit).differences(redacted_audit(audit), shared_only=True)
            differences = {name: pair for name, pair in differences.items() if name in plain or name not in TEXTS}
        if differences:
            named = ", ".join(f"{name} ({there!r}, here {here!r})" for name, (there, here) in differences.items())
            raise InputError(f"the baseline {run.path} cannot be compared with this audit; it differs in {named}")
        _check_repair(run, audit)
        scores, digest = score_run(run, replay=audit.replays)
        origin = _origin(run, digest, replay=audit.replays)
        of_ties = run.audit.judged is not None and run.audit.judged.of_ties
        evidence = None if run.redacted or of_ties else evidence_of(run)  # of ties nothing is diagnosed
        return Baseline(scores, origin, run.prompt_digests, row_facts(run.batch()), evidence)


def _check_repair(baseline: RunDirectory, audit: Audit) -> None:
    """Tokens that were made from text match better where they were repaired, whoever served them."""
    if audit.resegmented is None:
        return
    unstated = "not stated" if baseline.asked_cuts() else 0
    theirs = unstated if baseline.audit.resegmented is None else _shown(baseline.audit.resegmented)
    ours = _shown(audit.resegmented)
    if theirs != ours and any(each.repaired or is_repairable(each) for each in baseline.sequences().values()):
        raise InputError(
            f"the baseline {baseline.path} cannot be compared with this audit: its answers came as text, and their tokens "
            f"were repaired with another limit ({theirs} there, {ours} here). Give --repair-requests or --no-repair as it "
            f"had them; or have it repaired further, by token-difr reference {baseline.path} with this audit's own limit"
        )


def _shown(stated: Resegmented) -> int | str:
    return "the default" if stated.requests is None else stated.requests


def _origin(run: RunDirectory, digest: str, *, replay: bool) -> BaselineRun:
    asked = run.audit.asked
    return BaselineRun(
        path=str(run.path),
        provider=None if asked is None else asked.provider,
        model=None if asked is None else asked.model,
        sampler=run.audit.sampler if replay else None,
        started=run.started,
        scores=digest,
    )


def _noise_differences(baseline: Audit, audit: Audit) -> dict[str, tuple[object, object]]:
    """What keeps the noise of two audits from being compared; each may have its own sampler and seeds."""
    if not audit.replays:
        # One seed for all answers: the same noise everywhere, which unseeded answers do not have.
        shares = not baseline.params.greedy and baseline.params.shares_seed
        return {"asked.seed": (baseline.params.seed, audit.params.seed)} if shares else {}
    if baseline.replays and _by_rank(baseline) == _by_rank(audit):
        return {}
    return {"scored.sampler": (baseline.sampler, audit.sampler)}


def _by_rank(audit: Audit) -> bool:
    """Whether noise belongs to ranks, so that two close neighbors exchange theirs and honest runs match less."""
    return Sampler.parse(audit.sampler or "").uses_rank_columns(audit.params)
