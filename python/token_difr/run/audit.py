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
from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Conversation,
    Decision,
    Finding,
    Judged,
    Rendered,
    Report,
    SamplingParams,
    Scored,
    Scores,
    Verdict,
)
from token_difr.reference import Reference, open_reference
from token_difr.run.baseline import GivenBaseline, baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.directory import RunDirectory
from token_difr.run.stages import check_replayable, collect_run, reference_run, score_run, tokenize_run
from token_difr.sampler import Sampler
from token_difr.sequences import Tokenizer, load_tokenizer, render, tokenizer_digest
from token_difr.services import open_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["AuditRun", "aaudit", "audit", "check_audit", "rendered_by", "run_audit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRun:
    """A finished audit.

    Attributes:
        path: Its run directory.
        scores: The scores of every claimed token.
        report: What was audited and how, the decision, and what the records show beside the scores.
    """

    path: Path
    scores: Scores
    report: Report

    @property
    def audit(self) -> Audit:
        """What was audited, and how."""
        return self.report.audit

    @property
    def decision(self) -> Decision:
        """Summary, comparison with the baseline if there is one, and the verdict."""
        return self.report.decision

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the records show beside the scores; they do not change the verdict."""
        return self.report.findings

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
    baseline: GivenBaseline = None,
    level: float = 0.01,
    concurrency: int = 8,
    progress: bool = True,
) -> AuditRun:
    """Audit a provider: do its output tokens diverge from the reference's, more than the baseline's do?

    Args:
        prompts: The conversations to send.
        provider: The provider's base URL, a client of it (for keys, headers, proxies and retries of your own), or any
            :class:`~token_difr.answers.Provider`, such as Tinker's sampling client in a
            :class:`~token_difr.tinker.TinkerProvider`.
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
    params = params or SamplingParams()
    loaded, rendered = rendered_by(tokenizer or model)
    async with AsyncExitStack() as stack:
        if isinstance(provider, str):
            provider = await stack.enter_async_context(open_client(provider))
        if isinstance(reference, str):
            client = await stack.enter_async_context(open_client(reference))
            reference = open_reference(reference_dialect, client, model, tokenizer=loaded)
        url = provider.url if isinstance(provider, Provider) else shown_url(provider)
        asking = Asking(
            service=provider_service,
            only=provider_only,
            logprobs=provider_logprobs,
            chat_template_kwargs=dict(chat_template_kwargs or {}) or None,
            token_ids=asks_token_ids(url, params, token_ids) if "://" in url else True,
        )
        return await run_audit(
            Audit(
                asked=Asked(provider=url, model=model, params=params, max_tokens=max_tokens, asking=asking),
                rendered=rendered,
                judged=Judged(
                    reference=reference.url,
                    model=reference.model,
                    dialect=reference.dialect,
                    topk_logprobs=reference.topk_logprobs,
                ),
                scored=Scored.stated(_name(sampler), vocab_size),
            ),
            prompts,
            provider=as_provider(provider, asking),
            reference=reference,
            tokenizer=loaded,
            out=out,
            baseline=baseline,
            level=level,
            concurrency=concurrency,
            progress=progress,
        )


audit = blocking(aaudit, "audit")


async def run_audit(
    record: Audit,
    prompts: Sequence[Conversation],
    *,
    provider: Provider,
    reference: Reference,
    tokenizer: Tokenizer,
    out: str | os.PathLike[str],
    baseline: GivenBaseline = None,
    level: float = 0.01,
    concurrency: int = 8,
    progress: bool = True,
) -> AuditRun:
    """The audit of a record whose every part is stated, but perhaps for the sampler; :func:`aaudit` has the arguments.

    Args:
        record: Whose audit it is, and how.
        prompts: The conversations to send.
        provider: Answers as ``record.asked`` says.
        reference: Judges as ``record.judged`` says.
        tokenizer: The one of ``record.rendered``.
        out: The run directory.
        baseline: What to compare with.
        level: False-alarm rate of "divergent".
        concurrency: Requests in flight.
        progress: Show progress bars.

    Raises:
        InputError, EndpointError: As :func:`aaudit`.
    """
    prompts = check_prompts(prompts)
    check_audit(record)
    _check_prompts(prompts, tokenizer, record)
    against = baseline_of(baseline, record, out=out)
    with RunDirectory.create(out, prompts, record) as run:
        if run.audit.replays != record.replays:  # by a sampler that only ``out`` states
            against = baseline_of(baseline, run.audit, out=out)
        await collect_run(run, provider, concurrency=concurrency, progress=progress)
        tokenize_run(run, tokenizer)
        await reference_run(run, reference, concurrency=concurrency, progress=progress)
        scores = score_run(run)
        report = decide_run(run, scores, against, level=level, tokenizer=tokenizer)
        return AuditRun(path=run.path, scores=scores.scores, report=report)


def check_audit(record: Audit) -> None:
    """Refuse at once what could not be scored afterwards.

    Raises:
        InputError: See :func:`~token_difr.run.stages.check_replayable`.
    """
    scored = record.scored or Scored()
    sampler = None if scored.sampler is None else Sampler.parse(scored.sampler)
    check_replayable(record.params, sampler, scored.vocab_size)


def rendered_by(tokenizer: str | os.PathLike[str] | Tokenizer) -> tuple[Tokenizer, Rendered]:
    """The tokenizer, and what the record says of it.

    Raises:
        InputError: It cannot be loaded.
    """
    if isinstance(tokenizer, str | os.PathLike):
        loaded = load_tokenizer(tokenizer)
        return loaded, Rendered(tokenizer=os.fspath(tokenizer), digest=tokenizer_digest(loaded))
    name = getattr(tokenizer, "name_or_path", None) or None
    return tokenizer, Rendered(tokenizer=name, digest=tokenizer_digest(tokenizer))


def _name(sampler: str | Sampler | None) -> str | None:
    parsed = Sampler.parse(sampler) if isinstance(sampler, str) else sampler
    return None if parsed is None else parsed.name


def _check_prompts(prompts: Sequence[Conversation], tokenizer: Tokenizer, record: Audit) -> None:
    """Whether the chat template takes every prompt: better known before the answers are paid for."""
    for index, messages in enumerate(prompts):
        try:
            render(messages, tokenizer, record.asking.chat_template_kwargs)
        except InputError as error:
            raise PromptError(f"prompt {index}: {error}") from error
    if record.params.greedy:
        _check_distinct(prompts)


def _check_distinct(prompts: Sequence[Conversation]) -> None:
    """At temperature 0 a prompt that comes twice gives the same answer, which would count as two."""
    first: dict[str, int] = {}
    for index, messages in enumerate(prompts):
        other = first.setdefault(json.dumps(messages, sort_keys=True), index)
        if other != index:
            raise PromptError(f"prompts {other} and {index} are the same: at temperature 0 their answers are one")
