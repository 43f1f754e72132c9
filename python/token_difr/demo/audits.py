"""The demo's audits: a baseline from the honest provider, then every provider on other prompts.

First at temperature 0; then at temperature 1, once with the noise replayed and once without.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from token_difr.demo.providers import (
    HONEST,
    MODEL_NAME,
    PROVIDERS,
    REFERENCE,
    SAMPLED_PROVIDERS,
    SAMPLER,
    DemoProvider,
)
from token_difr.demo.served_model import DemoModel
from token_difr.errors import InputError
from token_difr.records import Conversation, Rule, SamplingParams, derived_seeds
from token_difr.run.audit import AuditRun, aaudit

__all__ = [
    "DemoPrompts",
    "DemoResult",
    "SampledResult",
    "as_expected",
    "choose_prompts",
    "demo_audits",
    "sampled_as_expected",
    "sampled_audits",
]

T = TypeVar("T")

CONCURRENCY = 16
AT_ONCE = 2
"""Audits at once: while one waits for its servers, the other works on what arrived."""
GREEDY = SamplingParams()
SEEDED = SamplingParams(temperature=1.0, top_k=20, top_p=0.95, seed=42)


@dataclass(frozen=True, slots=True)
class DemoPrompts:
    """Two disjoint sets of questions.

    Attributes:
        audited: What every provider is asked.
        baseline: What the honest provider is asked for the baseline.
    """

    audited: list[Conversation]
    baseline: list[Conversation]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """One provider of the demo and its finished audit."""

    provider: DemoProvider
    run: AuditRun


@dataclass(frozen=True, slots=True)
class SampledResult:
    """One provider of the demo and its finished audits at temperature 1.

    Attributes:
        provider: The provider.
        replayed: The audit that replays the noise of seed 42.
        unseeded: The audit that cannot; None where the provider is not audited so.
    """

    provider: DemoProvider
    replayed: AuditRun
    unseeded: AuditRun | None


def choose_prompts(questions: list[Conversation], count: int, *, seed: int) -> DemoPrompts:
    """Draw ``count`` of the questions a side.

    Raises:
        InputError: ``count`` is too small for any verdict but inconclusive, or more than the demo has questions for.
    """
    fewest, most = Rule().fewest_sequences, len(questions) // 2
    if not fewest <= count <= most:
        raise InputError(f"the demo takes {fewest} to {most} prompts a side, not {count}")
    drawn = np.random.default_rng(seed).choice(len(questions), 2 * count, replace=False)
    chosen = [questions[index] for index in drawn]
    return DemoPrompts(audited=chosen[:count], baseline=chosen[count:])


async def demo_audits(
    urls: Mapping[str, str], model: DemoModel, prompts: DemoPrompts, out: Path
) -> AsyncIterator[DemoResult]:
    """Audit every provider at temperature 0; yields each result as it is there.

    Args:
        urls: Base URLs of the running servers, by name.
        model: What they serve.
        prompts: What to ask.
        out: Folder for the run directories, one a provider and one for the baseline.
    """
    baseline = await _audited(urls, model, HONEST, prompts.baseline, out / "baseline")

    async def audited(provider: DemoProvider) -> DemoResult:
        run = await _audited(urls, model, provider, prompts.audited, out / provider.name, baseline=baseline.path)
        return DemoResult(provider, run)

    async for result in _in_order([partial(audited, provider) for provider in PROVIDERS]):
        yield result


async def sampled_audits(
    urls: Mapping[str, str], model: DemoModel, prompts: DemoPrompts, out: Path
) -> AsyncIterator[SampledResult]:
    """Audit providers at temperature 1, with and without a replay; yields each result as it is there.

    Arguments as of :func:`demo_audits`.
    """
    # A seed an answer, none of them replayed: as good as none, and the demo gives the same figures each time.
    count = len(prompts.audited)
    ours, theirs = (replace(SEEDED, seed=derived_seeds(root, count)) for root in (1, 2))
    asked = prompts.baseline
    baselines = [
        partial(_audited, urls, model, HONEST, asked, out / "baseline-seeded", params=SEEDED, sampler=SAMPLER),
        partial(_audited, urls, model, HONEST, asked, out / "baseline-unseeded", params=theirs),
    ]
    seeded, unseeded = [run async for run in _in_order(baselines)]

    async def audited(provider: DemoProvider) -> SampledResult:
        folder = out / f"{provider.name}-seeded"
        replayed = await _audited(
            urls, model, provider, prompts.audited, folder, params=SEEDED, sampler=SAMPLER, baseline=seeded.path
        )
        other = None
        if provider.unseeded is not None:
            folder = out / f"{provider.name}-unseeded"
            other = await _audited(urls, model, provider, prompts.audited, folder, params=ours, baseline=unseeded.path)
        return SampledResult(provider, replayed, other)

    async for result in _in_order([partial(audited, provider) for provider in SAMPLED_PROVIDERS]):
        yield result


def as_expected(results: Iterable[DemoResult]) -> bool:
    """Whether every provider with an expected verdict came to it."""
    return all(result.provider.expected in {None, result.run.verdict} for result in results)


def sampled_as_expected(results: Iterable[SampledResult]) -> bool:
    """The same at temperature 1, with and without a replay."""
    return all(
        result.provider.expected in {None, result.replayed.verdict}
        and (result.unseeded is None or result.provider.unseeded is result.unseeded.verdict)
        for result in results
    )


async def _in_order(audits: Iterable[Callable[[], Awaitable[T]]]) -> AsyncIterator[T]:
    """The results in the order of ``audits``, of which a few run at once; none runs on when the reader stops."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def run(audit: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await audit()  # begun here: a coroutine that is made and never awaited would be a warning at Ctrl-C

    tasks = [asyncio.create_task(run(audit)) for audit in audits]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _audited(
    urls: Mapping[str, str],
    model: DemoModel,
    provider: DemoProvider,
    asked: list[Conversation],
    out: Path,
    *,
    params: SamplingParams = GREEDY,
    sampler: str | None = None,
    baseline: Path | None = None,
) -> AuditRun:
    return await aaudit(
        asked,
        provider=urls[provider.name],
        model=MODEL_NAME,
        reference=urls[REFERENCE.name],
        tokenizer=model.name,
        params=params,
        max_tokens=model.max_tokens,
        sampler=sampler,
        baseline=baseline,
        out=out,
        concurrency=CONCURRENCY,
    )
