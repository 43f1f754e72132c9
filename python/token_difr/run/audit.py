"""The six stages in one call, each over a run directory, so that an interrupted audit goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
    Rule,
    SamplingParams,
    Scored,
    Scores,
    Verdict,
)
from token_difr.reference import Reference, open_reference
from token_difr.run.baseline import GivenBaseline, baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.directory import RunDirectory
from token_difr.run.resegmenting import resegment_run
from token_difr.run.stages import check_replayable, collect_run, reference_run, score_run, tokenize_run
from token_difr.sampler import Sampler
from token_difr.sequences import Tokenizer, load_tokenizer, render, tokenizer_digest
from token_difr.services import open_client

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["AuditRun", "Sides", "aaudit", "audit", "check_audit", "rendered_by", "run_audit"]


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
    repair_requests: int | None = None,
    concurrency: int = 8,
    progress: bool = True,
) -> AuditRun:
    """Audit a provider: do its output tokens diverge from the reference's, more than the baseline's do?

    Args:
        prompts: The conversations to send.
        provider: Its base URL, a client of it (for keys, headers, retries of your own), or any ``answers.Provider``.
        model: The model that the provider is asked for.
        reference: Any ``Reference``, or the base URL of a server that knows the model by the same name.
        out: The run directory. Where it holds a part of this audit already, only the rest is done.
        tokenizer: The model's tokenizer, or its folder or name; None = ``model``.
        params: How the provider is told to sample; None = temperature 0.
        max_tokens: The longest output, in tokens.
        token_ids: Ask the provider for its token ids; None = wherever the service takes the field.
        provider_service: What the provider is, where its URL does not tell, e.g. "sglang"; see ``services.toml``.
        provider_only: The one provider behind a router (OpenRouter) that may answer.
        provider_logprobs: Ask the provider for its output's logprobs too, to hold them against the reference's.
        chat_template_kwargs: Variables of the chat template, such as ``{"enable_thinking": False}``.
        reference_dialect: How a ``reference`` given by its URL is spoken to.
        sampler: Whose noise to replay above temperature 0, such as ``vllm@0.33``; None = as ``out`` states, if at all.
        vocab_size: Width of the model's logits, where the noise depends on it.
        baseline: Run directory, or scores, of a trusted provider, best on the same prompts, else on others like them.
        level: False-alarm rate of "divergent", in [0.0002, 1).
        repair_requests: Requests that repairing answers without ids may cost; None = a tenth of the prompts, 0 = none.
        concurrency: Requests in flight.
        progress: Show progress bars on standard error, if that is a terminal.

    Raises:
        InputError: Something passed in is wrong; nothing has been sent then.
        EndpointError: The provider or the reference failed; what has arrived is kept in ``out``.
    """
    params, scored, rule = params or SamplingParams(), Scored.stated(_name(sampler), vocab_size), Rule(level=level)
    how: dict[str, Any] = {"service": provider_service, "only": provider_only, "logprobs": provider_logprobs}
    async with _opened(provider, reference, reference_dialect, model, tokenizer or model) as (sides, rendered):
        asked = sides.asked(model, params, max_tokens, token_ids, chat_template_kwargs, how)
        record = Audit(asked=asked, rendered=rendered, judged=sides.judged, scored=scored)
        judging: dict[str, Any] = {"baseline": baseline, "rule": rule, "repair_requests": repair_requests}
        return await run_audit(record, prompts, sides, out, **judging, concurrency=concurrency, progress=progress)


audit = blocking(aaudit, "audit")


class Sides(NamedTuple):
    """Who answers, who judges, and the tokenizer of both.

    Attributes:
        provider: A client of the provider, or any other source of answers.
        reference: The reference.
        tokenizer: The model's tokenizer.
    """

    provider: AsyncOpenAI | Provider
    reference: Reference
    tokenizer: Tokenizer

    @property
    def url(self) -> str:
        """The provider's base URL, or what else names it."""
        return self.provider.url if isinstance(self.provider, Provider) else shown_url(self.provider)

    @property
    def judged(self) -> Judged:
        """What the record says of the reference."""
        return Judged(
            reference=self.reference.url,
            model=self.reference.model,
            dialect=self.reference.dialect,
            topk_logprobs=self.reference.topk_logprobs,
        )

    def asked(  # noqa: PLR0917 - the arguments of its only caller
        self,
        model: str,
        params: SamplingParams,
        max_tokens: int,
        token_ids: bool | None,
        variables: Mapping[str, Any] | None,
        how: Mapping[str, Any],
    ) -> Asked:
        """What the record says of the provider; ``how`` has the other fields of ``Asking``."""
        # A source of answers that is no endpoint knows nothing but token ids.
        ids = asks_token_ids(self.url, token_ids, service=how["service"]) if "://" in self.url else True
        asking = Asking(**how, chat_template_kwargs=variables, token_ids=ids)
        return Asked(provider=self.url, model=model, params=params, max_tokens=max_tokens, asking=asking)


async def run_audit(
    record: Audit,
    prompts: Sequence[Conversation],
    sides: Sides,
    out: str | os.PathLike[str],
    *,
    baseline: GivenBaseline = None,
    rule: Rule | None = None,
    repair_requests: int | None = None,
    concurrency: int = 8,
    progress: bool = True,
) -> AuditRun:
    """The audit of a record whose every part is stated, but perhaps for the sampler.

    Args:
        record: Whose audit it is, and how.
        prompts: The conversations to send.
        sides: Answer and judge as the record says.
        out: The run directory.
        baseline: What to compare with.
        rule: By which rule it is judged; None = the default one.
        repair_requests: See :func:`aaudit`.
        concurrency: Requests in flight.
        progress: Show progress bars.

    Raises:
        InputError, EndpointError: As :func:`aaudit`.
    """
    prompts = check_prompts(prompts)
    check_audit(record)
    _check_prompts(prompts, sides.tokenizer, record)
    provider = as_provider(sides.provider, record.asking)
    against = baseline_of(baseline, record, out=out)
    with RunDirectory.create(out, prompts, record) as run:
        if run.audit.replays != record.replays:  # by a sampler that only ``out`` states
            against = baseline_of(baseline, run.audit, out=out)
        pace: dict[str, Any] = {"concurrency": concurrency, "progress": progress}
        await collect_run(run, provider, **pace)
        tokenize_run(run, sides.tokenizer)
        await reference_run(run, sides.reference, **pace)
        await resegment_run(run, sides.reference, sides.tokenizer, requests=repair_requests, **pace)
        scores = score_run(run)
        report = decide_run(run, scores, against, rule=rule, tokenizer=sides.tokenizer)
        return AuditRun(path=run.path, scores=scores.scores, report=report)


@asynccontextmanager
async def _opened(
    provider: str | AsyncOpenAI | Provider,
    reference: str | Reference,
    dialect: str,
    model: str,
    tokenizer: str | os.PathLike[str] | Tokenizer,
) -> AsyncIterator[tuple[Sides, Rendered]]:
    """Both sides, each opened if it is a URL, and what the record says of the tokenizer."""
    loaded, rendered = rendered_by(tokenizer)
    async with AsyncExitStack() as stack:
        if isinstance(provider, str):
            provider = await stack.enter_async_context(open_client(provider))
        if isinstance(reference, str):
            client = await stack.enter_async_context(open_client(reference))
            reference = open_reference(dialect, client, model, tokenizer=loaded)
        yield Sides(provider, reference, loaded), rendered


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
