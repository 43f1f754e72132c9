"""The six stages in one call, each over a run directory, so that an interrupted audit goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from token_difr.answers import Provider, as_provider, asks_token_ids, check_prompts
from token_difr.endpoint import blocking, shown_url
from token_difr.errors import InputError, PromptError
from token_difr.findings import Evidence, find_all
from token_difr.records import AuditIdentity, Conversation, Decision, Finding, SamplingParams, Scores, Verdict
from token_difr.reference import Reference, open_reference
from token_difr.report import decision_to_json, findings_to_json
from token_difr.run.baseline import baseline_scores
from token_difr.run.directory import RunDirectory
from token_difr.run.stages import (
    asking_of,
    check_replayable,
    collect_run,
    is_replayed,
    reference_run,
    score_run,
    tokenize_run,
)
from token_difr.sampler import Sampler
from token_difr.sequences import Tokenizer, load_tokenizer, render, tokenizer_digest
from token_difr.services import open_client
from token_difr.verdict import decide

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["AuditRun", "aaudit", "audit", "decide_run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRun:
    """A finished audit.

    Attributes:
        path: Its run directory.
        identity: What was audited, and how.
        scores: The scores of every claimed token.
        decision: Summary, comparison with the baseline if there is one, and the verdict.
        findings: What the records show beside the scores; they do not change the verdict.
    """

    path: Path
    identity: AuditIdentity
    scores: Scores
    decision: Decision
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Consistent, divergent or inconclusive; always inconclusive without a baseline."""
        return self.decision.verdict


async def aaudit(
    prompts: Sequence[Conversation],
    *,
    provider: str | AsyncOpenAI | Provider,
    model: str,
    reference: str | Reference,
    out: str | os.PathLike[str],
    tokenizer: str | os.PathLike[str] | Tokenizer | None = None,
    params: SamplingParams | None = None,
    max_tokens: int = 200,
    token_ids: bool | None = None,
    provider_service: str | None = None,
    provider_only: str | None = None,
    provider_logprobs: bool = False,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    reference_dialect: str = "vllm",
    sampler: str | Sampler | None = None,
    vocab_size: int | None = None,
    baseline: str | os.PathLike[str] | Scores | None = None,
    level: float = 0.01,
    concurrency: int = 8,
    progress: bool = True,
) -> AuditRun:
    """Audit a provider: do its output tokens diverge from the reference's, more than the baseline's do?

    Args:
        prompts: The conversations to send.
        provider: The provider's base URL, a client of it (for keys, headers, proxies and retries of your own), or any
            :class:`~token_difr.answers.Provider`, such as Tinker's sampling client in a
            :class:`~token_difr.answers.TinkerProvider`.
        model: The model that the provider is asked for.
        reference: Any :class:`~token_difr.reference.Reference`, or the base URL of a server that knows the model by the
            same name.
        out: The run directory. Where it holds a part of this audit already, only the rest is done.
        tokenizer: The model's tokenizer, or its folder or name; None = ``model``.
        params: How the provider is told to sample; None = temperature 0.
        max_tokens: The longest output, in tokens.
        token_ids: Ask the provider for its token ids; None = only one on this machine, at a temperature above 0.
        provider_service: What the provider is, where its URL does not tell, e.g. "sglang"; see ``services.toml``.
        provider_only: The one provider behind a router (OpenRouter) that may answer.
        provider_logprobs: Ask the provider for its output's logprobs too, to hold them against the reference's.
        chat_template_kwargs: Variables of the chat template, such as ``{"enable_thinking": False}``.
        reference_dialect: How a ``reference`` given by its URL is spoken to.
        sampler: The sampler that the provider claims, or its name, such as ``vllm@0.33``: at a temperature above 0
            its noise is replayed from ``params.seed``. None = what ``out`` states, if anything. Without sampler or
            seed the tokens are judged by how surprising they are, and no verdict says *consistent*.
        vocab_size: Width of the model's logits (its config's ``vocab_size``), where the noise depends on it.
        baseline: Run directory, or scores, of a trusted provider on other prompts of the same kind.
        level: False-alarm rate of "divergent", in [0.001, 1).
        concurrency: Requests in flight.
        progress: Show progress bars on standard error, if that is a terminal.

    Raises:
        InputError: Something passed in is wrong; nothing has been sent then.
        EndpointError: The provider or the reference failed; what has arrived is kept in ``out``.
    """
    prompts = check_prompts(prompts)
    params = params or SamplingParams()
    sampler = Sampler.parse(sampler) if isinstance(sampler, str) else sampler
    check_replayable(params, sampler, vocab_size)
    loaded, name = _tokenizer(tokenizer or model)
    _check_prompts(prompts, loaded, params, chat_template_kwargs)
    async with AsyncExitStack() as stack:
        if isinstance(provider, str):
            provider = await stack.enter_async_context(open_client(provider))
        if isinstance(reference, str):
            client = await stack.enter_async_context(open_client(reference))
            reference = open_reference(reference_dialect, client, model, tokenizer=loaded)
        url = provider.url if isinstance(provider, Provider) else shown_url(provider)
        identity = AuditIdentity(
            provider=url,
            model=model,
            params=params,
            max_tokens=max_tokens,
            token_ids=asks_token_ids(url, params, token_ids) if "://" in url else True,
            provider_service=provider_service,
            provider_only=provider_only,
            provider_logprobs=provider_logprobs or None,
            chat_template_kwargs=dict(chat_template_kwargs) if chat_template_kwargs else None,
            tokenizer=name,
            tokenizer_digest=tokenizer_digest(loaded),
            reference=reference.url,
            reference_model=reference.model,
            reference_dialect=reference.dialect,
            topk_logprobs=reference.topk_logprobs,
            sampler=None if sampler is None else sampler.name,
            vocab_size=vocab_size,
        )
        as_provider(provider, asking_of(identity))
        against = baseline_scores(baseline, identity, out=out)
        run = stack.enter_context(RunDirectory.create(out, prompts, identity))
        if is_replayed(run.identity) != is_replayed(identity):  # by a sampler that only ``out`` states
            against = baseline_scores(baseline, run.identity, out=out)
        await collect_run(run, provider, concurrency=concurrency, progress=progress)
        tokenize_run(run, loaded)
        await reference_run(run, reference, concurrency=concurrency, progress=progress)
        scores, decision, findings = _decided(run, against, level=level, tokenizer=loaded)
        return AuditRun(path=run.path, identity=run.identity, scores=scores, decision=decision, findings=findings)


audit = blocking(aaudit, "audit")


def decide_run(
    run: RunDirectory,
    baseline: Scores | None = None,
    *,
    level: float = 0.01,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
) -> tuple[Decision, tuple[Finding, ...]]:
    """Score and judge the rows of ``run``; scores, verdict and findings are kept there if it is open for writing.

    Args:
        run: A run with all its rows.
        baseline: See :func:`baseline_scores`.
        level: False-alarm rate of "divergent", in (0, 1).
        seed: Seed of the permutations and of the bootstrap.
        tokenizer: The model's tokenizer, for the findings that need it; None = without these.

    Raises:
        RunDirectoryError: Rows are missing.
        InputError: ``level`` outside (0, 1).
    """
    return _decided(run, baseline, level=level, seed=seed, tokenizer=tokenizer)[1:]


def _decided(
    run: RunDirectory,
    baseline: Scores | None,
    *,
    level: float = 0.01,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
) -> tuple[Scores, Decision, tuple[Finding, ...]]:
    scores = score_run(run)
    decision = decide(scores, baseline, level=level, seed=seed)
    findings = find_all(Evidence.of(run, tokenizer))
    if run.writable:
        found = findings_to_json(findings)
        run.write_verdict({**decision_to_json(decision), "findings": found, "audit": run.identity.to_dict()})
    return scores, decision, findings


def _check_prompts(
    prompts: Sequence[Conversation],
    tokenizer: Tokenizer,
    params: SamplingParams,
    chat_template_kwargs: Mapping[str, Any] | None,
) -> None:
    """Whether the chat template takes every prompt: better known before the answers are paid for."""
    for index, messages in enumerate(prompts):
        try:
            render(messages, tokenizer, chat_template_kwargs)
        except InputError as error:
            raise PromptError(f"prompt {index}: {error}") from error
    if params.greedy:
        _check_distinct(prompts)


def _check_distinct(prompts: Sequence[Conversation]) -> None:
    """At temperature 0 a prompt that comes twice gives the same answer, which would count as two."""
    first: dict[str, int] = {}
    for index, messages in enumerate(prompts):
        other = first.setdefault(json.dumps(messages, sort_keys=True), index)
        if other != index:
            raise PromptError(f"prompts {other} and {index} are the same: at temperature 0 their answers are one")


def _tokenizer(tokenizer: str | os.PathLike[str] | Tokenizer) -> tuple[Tokenizer, str | None]:
    """The tokenizer and the name to remember it by."""
    if isinstance(tokenizer, str | os.PathLike):
        return load_tokenizer(tokenizer), os.fspath(tokenizer)
    return tokenizer, getattr(tokenizer, "name_or_path", None) or None
