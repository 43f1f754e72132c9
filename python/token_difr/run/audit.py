"""The six stages in one call, each over a run directory, so that an interrupted audit goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from token_difr.answers import Provider, as_provider, check_asked, check_prompts
from token_difr.endpoint import blocking, check_concurrency
from token_difr.errors import InputError, PromptError
from token_difr.findings import changed_rule
from token_difr.records import (
    Audit,
    Conversation,
    Decision,
    Finding,
    Report,
    Resegmented,
    Rule,
    SamplingParams,
    Scored,
    Scores,
    Verdict,
)
from token_difr.reference import Reference
from token_difr.run.baseline import Baseline, GivenBaseline, baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.directory import RunDirectory
from token_difr.run.growing import begun
from token_difr.run.preflight import run_preflight
from token_difr.run.resegmenting import resegment_run
from token_difr.run.sides import Sides, opened_sides
from token_difr.run.spending import Ceiling
from token_difr.run.stages import check_replayable, collect_run, reference_run, score_run, tokenize_run
from token_difr.run.until_verdict import ask_until_verdict, in_turn
from token_difr.sampler import Sampler
from token_difr.sequences import Tokenizer, render

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["AuditRun", "aaudit", "audit", "check_audit", "check_unsent", "run_audit"]


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
    until_verdict: bool = False,
    ceiling: Ceiling | None = None,
    preflight: bool = True,
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
        repair_requests: Requests that repairing answers without ids may cost; None = at most 20 or, if more, a tenth of the
            prompts (half of them above temperature 0), 0 = none.
        until_verdict: Ask a few prompts at a time, and stop once bets on the answers and the comparison agree on a verdict; see
            :mod:`~token_difr.verdict.answer_bets`. It takes a ``baseline`` that is a run directory.
        ceiling: Until a verdict: the most that the provider's answers may take.
        preflight: First ask each side for one token, so that what would end the audit half way ends it unpaid.
        concurrency: Requests in flight.
        progress: Show progress bars on standard error, if that is a terminal.

    Raises:
        InputError: Something passed in is wrong; nothing has been sent then.
        EndpointError: The provider or the reference failed; what has arrived is kept in ``out``.
    """
    params, scored, rule = params or SamplingParams(), Scored.stated(_name(sampler), vocab_size), Rule(level=level)
    resegmented = Resegmented(requests=repair_requests)
    how: dict[str, Any] = {"service": provider_service, "only": provider_only, "logprobs": provider_logprobs}
    async with opened_sides(provider, reference, reference_dialect, model, tokenizer or model) as (sides, rendered):
        asked = sides.asked(model, params, max_tokens, token_ids, chat_template_kwargs, how)
        record = Audit(asked=asked, rendered=rendered, judged=sides.judged, resegmented=resegmented, scored=scored)
        pace: dict[str, Any] = {"preflight": preflight, "concurrency": concurrency, "progress": progress}
        until = (ceiling or Ceiling()) if until_verdict or ceiling else None
        return await run_audit(record, prompts, sides, out, baseline=baseline, rule=rule, until=until, **pace)


audit = blocking(aaudit, "audit")


async def run_audit(
    record: Audit,
    prompts: Sequence[Conversation],
    sides: Sides,
    out: str | os.PathLike[str],
    *,
    baseline: GivenBaseline = None,
    rule: Rule | None = None,
    until: Ceiling | None = None,
    preflight: bool = True,
    tell: Callable[[str], None] | None = None,
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
        until: Ask until a verdict, below this ceiling; None = ask all prompts at once.
        preflight: See :func:`aaudit`.
        tell: Called with every sentence on what the preflight saw and the audit can live with.
        concurrency: Requests in flight.
        progress: Show progress bars.

    Raises:
        InputError, EndpointError: As :func:`aaudit`.
    """
    check_concurrency(concurrency)
    prompts, against = check_unsent(record, prompts, sides.tokenizer, baseline, out)
    as_provider(sides.provider, record.asking)  # refuses what its service cannot be asked, before a directory is made
    if until is not None:
        asked = in_turn(record, prompts, against, rule or Rule())
        if preflight:
            first = begun(out, len(asked.prompts), 1)
            await run_preflight(asked.record.of_first(first), asked.prompts[:first], sides, out, tell=tell)
        run, report = await ask_until_verdict(asked, sides, out, until, tell=tell, concurrency=concurrency)
        with run:
            return AuditRun(path=run.path, scores=score_run(run).scores, report=report)
    if preflight:
        await run_preflight(record, prompts, sides, out, tell=tell)
    rule = rule or Rule()
    with RunDirectory.create(out, prompts, record, rule=rule) as run:
        changed = changed_rule(run.rule, rule)
        if changed is not None and tell is not None:
            tell(changed.text)
        if run.audit.replays != record.replays:  # by a sampler that only ``out`` states
            against = baseline_of(baseline, run.audit, out=out)
        pace: dict[str, Any] = {"concurrency": concurrency, "progress": progress}
        await collect_run(run, sides.provider, **pace)
        tokenize_run(run, sides.tokenizer)
        await reference_run(run, sides.reference, **pace)
        await resegment_run(run, sides.reference, sides.tokenizer, **pace)
        scores = score_run(run)
        report = decide_run(run, scores, against, rule=rule, tokenizer=sides.tokenizer)
        return AuditRun(path=run.path, scores=scores.scores, report=report)


def check_audit(record: Audit) -> None:
    """Refuse at once what could not be scored afterwards.

    Raises:
        InputError: See :func:`~token_difr.run.stages.check_replayable`.
    """
    scored = record.scored or Scored()
    sampler = None if scored.sampler is None else Sampler.parse(scored.sampler)
    check_replayable(record.params, sampler, scored.vocab_size)


def _name(sampler: str | Sampler | None) -> str | None:
    parsed = Sampler.parse(sampler) if isinstance(sampler, str) else sampler
    return None if parsed is None else parsed.name


def check_unsent(
    record: Audit,
    prompts: Sequence[Conversation],
    tokenizer: Tokenizer,
    baseline: GivenBaseline,
    out: str | os.PathLike[str],
) -> tuple[list[Conversation], Baseline | None]:
    """Every check that sends nothing: of the parameters, of each prompt, of the baseline.

    Returns:
        The prompts, and what the audit is compared with.

    Raises:
        InputError: What could not be asked, judged or scored; names it.
    """
    checked = check_prompts(prompts)
    if record.asked is not None:
        check_asked(len(checked), record.params, record.asked.max_tokens)
    check_audit(record)
    _check_conversations(checked, tokenizer, record)
    return checked, baseline_of(baseline, record, out=out)


def _check_conversations(prompts: Sequence[Conversation], tokenizer: Tokenizer, record: Audit) -> None:
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
