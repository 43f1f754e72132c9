"""The audit of one provider of a campaign: by near ties, or by whole answers."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from token_difr.answers import ChatProvider, Turn, asks_token_ids, read_prompts
from token_difr.answers.estimates import Estimate, estimate
from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Campaign,
    CampaignProvider,
    CampaignReference,
    Conversation,
    Judged,
    Rendered,
    Resegmented,
    Rule,
    SamplingParams,
)
from token_difr.reference import LocalReference, Reference, allowed_topk, dialect_named, local_model, open_reference
from token_difr.run.audit import AuditRun, run_audit
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory
from token_difr.run.preflight import outstanding, run_preflight
from token_difr.run.sides import Sides, rendered_by
from token_difr.sequences import Tokenizer, load_tokenizer, render
from token_difr.services import open_client
from token_difr.ties import TieSet, aaudit_ties
from token_difr.ties.asking import Way, check_continues, way_to
from token_difr.ties.auditing import RULE as TIE_RULE

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["Audits", "FullAudits", "TieAudits", "answered", "audits_of", "rule_of"]

FINER = 20
"""Deals: p-values are so many times finer than the smallest one that Holm's adjustment asks for."""

MOST_DEALS = 999_999


class Audits(Protocol):
    """How the providers of a campaign are audited."""

    async def ask(self, provider: CampaignProvider, out: Path, turn: Turn) -> None:
        """Ask for all that ``out`` lacks.

        Raises:
            TokenDifrError: The provider, or the reference, failed; what has arrived is in ``out``.
        """

    async def judge(self, provider: CampaignProvider, out: Path, baselines: Sequence[Path]) -> AuditRun:
        """The verdict of a run that has all its answers, beside trusted runs; nothing is sent."""

    async def check(self, provider: CampaignProvider, out: Path) -> None:
        """Ask for a token or a few, where something is missing: what would end the audit half way ends it here."""

    def estimate(self, provider: CampaignProvider, out: Path) -> Estimate:
        """What is still to be sent to the provider, and what it costs at most."""


def audits_of(campaign: Campaign) -> Audits:
    """Those that the campaign asks for, with its ties or prompts and its tokenizer loaded.

    Raises:
        InputError: One of them cannot be loaded, or they do not go together.
    """
    return FullAudits.of(campaign) if campaign.full else TieAudits.of(campaign)


def rule_of(campaign: Campaign) -> Rule:
    """The rule of each audit: p-values fine enough for all of them together."""
    deals = min(MOST_DEALS, math.ceil(FINER * max(1, len(campaign.candidates)) / campaign.level))
    default = Rule() if campaign.full else TIE_RULE
    return replace(
        default,
        level=campaign.level,
        permutations=max(default.permutations, deals),
        most_permutations=max(default.most_permutations, deals),
    )


def _client(provider: CampaignProvider) -> AbstractAsyncContextManager[AsyncOpenAI]:
    return open_client(provider.url, key_variable=provider.key_variable)


def _asking(provider: CampaignProvider) -> Asking:
    ids = asks_token_ids(provider.url, None, service=provider.service)
    return Asking(service=provider.service, only=provider.only, token_ids=ids)


def _costs(provider: CampaignProvider, requests: int, max_tokens: int, prompt_tokens: int) -> Estimate:
    price = provider.price
    prices = {} if price is None else {"price_input": price.input, "price_output": price.output}
    return estimate(requests, max_tokens=max_tokens, prompt_tokens=prompt_tokens, **prices)


@dataclass(frozen=True, slots=True)
class TieAudits:
    """Audits of near ties; no reference is asked."""

    ties: TieSet
    tokenizer: Tokenizer
    way: Way | None
    extra_tokens: int
    rule: Rule

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """See :func:`audits_of`."""
        ties = TieSet.load(campaign.ties or "")
        tokenizer = load_tokenizer(campaign.tokenizer or ties.tokenizer or campaign.model)
        way = None if campaign.way is None else Way(campaign.way)
        return cls(ties, tokenizer, way, campaign.extra_tokens, rule_of(campaign))

    async def ask(self, provider: CampaignProvider, out: Path, turn: Turn) -> None:
        """See :class:`Audits`."""
        if self._missing(out):
            # Who has answered some of the ties goes on with an answer: it need not show so again.
            await self._audit(provider, out, turn=turn, preflight=not answered(out))

    async def judge(self, provider: CampaignProvider, out: Path, baselines: Sequence[Path]) -> AuditRun:
        """See :class:`Audits`."""
        first, others = next(iter(baselines), None), tuple(baselines[1:])
        return await self._audit(provider, out, baseline=first, honest=others, preflight=False)

    async def check(self, provider: CampaignProvider, out: Path) -> None:
        """See :class:`Audits`."""
        async with _client(provider) as client:
            asker = ChatProvider(client, _asking(provider))
            way = way_to(asker, self.way)
            if self._missing(out):
                how: dict[str, Any] = {"model": provider.model, "way": way, "tokenizer": self.tokenizer}
                await check_continues(self.ties.sure, asker, **how)

    def estimate(self, provider: CampaignProvider, out: Path) -> Estimate:
        """See :class:`Audits`."""
        missing = [self.ties.ties[index] for index in self._missing(out)]
        sent = sum(len(tie.prompt_token_ids) + len(tie.prefix_token_ids) for tie in missing)
        return _costs(provider, len(missing), 1 + self.extra_tokens, sent)

    def _missing(self, out: Path) -> tuple[int, ...]:
        return outstanding(out, Audit(), [tie.conversation for tie in self.ties.ties]).answers

    async def _audit(self, provider: CampaignProvider, out: Path, **how: Any) -> AuditRun:
        async with _client(provider) as client:
            return await aaudit_ties(
                self.ties,
                provider=client,
                model=provider.model,
                out=out,
                tokenizer=self.tokenizer,
                provider_service=provider.service,
                provider_only=provider.only,
                way=self.way,
                extra_tokens=self.extra_tokens,
                rule=self.rule,
                concurrency=provider.concurrency,
                progress=False,
                **how,
            )


@dataclass(frozen=True, slots=True)
class FullAudits:
    """Audits of whole answers, which a reference judges."""

    prompts: list[Conversation]
    tokenizer: Tokenizer
    rendered: Rendered
    reference: CampaignReference
    judged: Judged
    params: SamplingParams
    max_tokens: int
    rule: Rule

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """See :func:`audits_of`."""
        if campaign.prompts is None or campaign.reference is None:  # the file's reader has asked for them
            raise AssertionError
        tokenizer, rendered = rendered_by(campaign.tokenizer or campaign.model)
        rest = (campaign.reference, _judged(campaign.reference), campaign.sampling, campaign.max_tokens)
        return cls(read_prompts(campaign.prompts), tokenizer, rendered, *rest, rule_of(campaign))

    async def ask(self, provider: CampaignProvider, out: Path, turn: Turn) -> None:
        """See :class:`Audits`."""
        if any(outstanding(out, Audit(), self.prompts)):
            await self._audit(provider, out, turn=turn, preflight=not answered(out))

    async def judge(self, provider: CampaignProvider, out: Path, baselines: Sequence[Path]) -> AuditRun:
        """See :class:`Audits`."""
        return await self._audit(provider, out, baseline=next(iter(baselines), None), preflight=False)

    async def check(self, provider: CampaignProvider, out: Path) -> None:
        """See :class:`Audits`."""
        async with self._sides(provider) as sides:
            await run_preflight(self._record(provider), self.prompts, sides, out)

    def estimate(self, provider: CampaignProvider, out: Path) -> Estimate:
        """See :class:`Audits`."""
        missing = outstanding(out, Audit(), self.prompts).answers
        sent = sum(len(render(self.prompts[index], self.tokenizer, None)) for index in missing)
        return _costs(provider, len(missing), self.max_tokens, sent)

    async def _audit(self, provider: CampaignProvider, out: Path, *, turn: Turn | None = None, **how: Any) -> AuditRun:
        pace: dict[str, Any] = {"concurrency": provider.concurrency, "progress": False}
        async with self._sides(provider, turn) as sides:
            return await run_audit(self._record(provider), self.prompts, sides, out, rule=self.rule, **pace, **how)

    def _record(self, provider: CampaignProvider) -> Audit:
        asked = Asked(
            provider=provider.url,
            model=provider.model,
            params=self.params,
            max_tokens=self.max_tokens,
            asking=_asking(provider),
        )
        return Audit(asked=asked, rendered=self.rendered, judged=self.judged, resegmented=Resegmented(requests=None))

    @asynccontextmanager
    async def _sides(self, provider: CampaignProvider, turn: Turn | None = None) -> AsyncIterator[Sides]:
        async with _client(provider) as client, _opened(self.reference, self.tokenizer) as judge:
            waits = {} if turn is None else {"turn": turn}
            yield Sides(ChatProvider(client, _asking(provider), **waits), judge, self.tokenizer)


def _judged(reference: CampaignReference) -> Judged:
    path = local_model(reference.url)
    if path is not None:
        topk = allowed_topk(reference.topk_logprobs, math.inf, LocalReference.dialect)
        return Judged(reference=None, model=str(path), dialect=LocalReference.dialect, topk_logprobs=topk)
    topk = allowed_topk(reference.topk_logprobs, dialect_named(reference.dialect).topk_limit, reference.dialect)
    return Judged(reference=reference.url, model=reference.model, dialect=reference.dialect, topk_logprobs=topk)


@asynccontextmanager
async def _opened(reference: CampaignReference, tokenizer: Tokenizer) -> AsyncIterator[Reference]:
    path = local_model(reference.url)
    if path is not None:
        yield LocalReference(path, topk_logprobs=reference.topk_logprobs)
        return
    async with open_client(reference.url, key_variable=reference.key_variable) as client:
        how: dict[str, Any] = {"topk_logprobs": reference.topk_logprobs, "tokenizer": tokenizer}
        yield open_reference(reference.dialect, client, reference.model, **how)


def answered(out: Path) -> int:
    """How many answers a run directory has; 0 where there is none."""
    if not is_run_directory(out):
        return 0
    with RunDirectory.read(out) as run:
        return len(run.responses())
