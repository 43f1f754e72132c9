"""What an audit is compared with: the run of a provider that is trusted to serve the model."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from token_difr.errors import InputError
from token_difr.records import AuditIdentity, SamplingParams, Scores
from token_difr.run.directory import RunDirectory
from token_difr.run.stages import is_replayed, score_run
from token_difr.sampler import Sampler

__all__ = ["baseline_scores"]


def baseline_scores(
    baseline: str | os.PathLike[str] | Scores | None, identity: AuditIdentity, *, out: str | os.PathLike[str]
) -> Scores | None:
    """The scores to compare an audit with.

    A baseline is scored as the audit is: without replay where the audit has none. Where both replay, each does so by its
    own sampler.

    Args:
        baseline: Run directory, or scores, of a trusted provider; None = none.
        identity: The audit's.
        out: The audit's own run directory, which cannot be its baseline.

    Raises:
        InputError: A run that was sampled, tokenized or judged another way, so that the two cannot be compared, or
            the audit's own run.
        RunDirectoryError: No run directory, or one that is not finished.
    """
    if baseline is None or isinstance(baseline, Scores):
        return baseline
    if Path(baseline).resolve() == Path(out).resolve():
        raise InputError(f"{out} cannot be its own baseline: give the run of a provider that you trust")
    with RunDirectory.read(baseline) as run:
        differences = _comparable(run.identity).differences(_comparable(identity))
        differences |= _noise_differences(run.identity, identity)
        if differences:
            named = ", ".join(f"{name} ({ours!r}, here {theirs!r})" for name, (ours, theirs) in differences.items())
            raise InputError(f"the baseline {run.path} cannot be compared with this audit; it differs in {named}")
        return score_run(run, replay=is_replayed(identity))


def _noise_differences(baseline: AuditIdentity, identity: AuditIdentity) -> dict[str, tuple[object, object]]:
    """What keeps the noise of two audits from being compared; each may have its own sampler and seeds."""
    ours, theirs = (each.params or SamplingParams() for each in (identity, baseline))
    if not is_replayed(identity):
        # One seed for all answers: the same noise everywhere, which unseeded answers do not have.
        return {"seed": (theirs.seed, ours.seed)} if not theirs.greedy and theirs.shares_seed else {}
    if is_replayed(baseline) and _by_rank(baseline, theirs) == _by_rank(identity, ours):
        return {}
    return {"sampler": (baseline.sampler, identity.sampler)}


def _by_rank(identity: AuditIdentity, params: SamplingParams) -> bool:
    """Whether noise belongs to ranks, so that two close neighbors exchange theirs and honest runs match less."""
    return Sampler.parse(identity.sampler or "").uses_rank_columns(params)


def _comparable(identity: AuditIdentity) -> AuditIdentity:
    """What a baseline must share with an audit. Endpoints, seeds and the provider's name for the model may differ."""
    return AuditIdentity(
        params=identity.params and replace(identity.params, seed=None),
        max_tokens=identity.max_tokens,
        token_ids=identity.token_ids,
        chat_template_kwargs=identity.chat_template_kwargs,
        tokenizer=identity.tokenizer,
        tokenizer_digest=identity.tokenizer_digest,
        reference_model=identity.reference_model,
        reference_dialect=identity.reference_dialect,
        topk_logprobs=identity.topk_logprobs,
    )
