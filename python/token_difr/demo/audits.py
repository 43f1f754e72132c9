"""The demo's audits: a baseline from the honest provider, then every provider on other prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from token_difr.audit import AuditRun, aaudit
from token_difr.collect import read_prompts
from token_difr.demo.providers import HONEST, MODEL_NAME, PROVIDERS, REFERENCE, DemoProvider
from token_difr.demo_model import PROMPTS_FILE
from token_difr.errors import InputError
from token_difr.records import Conversation

__all__ = ["DemoPrompts", "DemoResult", "as_expected", "choose_prompts", "demo_audits"]

MAX_TOKENS = 64
CONCURRENCY = 16


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


def choose_prompts(count: int, *, seed: int) -> DemoPrompts:
    """Draw ``count`` questions a side from those that ship with the demo.

    Raises:
        InputError: ``count`` is below 1, or more than the demo has questions for.
    """
    questions = read_prompts(PROMPTS_FILE)
    most = len(questions) // 2
    if not 1 <= count <= most:
        raise InputError(f"the demo has questions for 1 to {most} prompts a side, not for {count}")
    drawn = np.random.default_rng(seed).choice(len(questions), 2 * count, replace=False)
    chosen = [questions[index] for index in drawn]
    return DemoPrompts(audited=chosen[:count], baseline=chosen[count:])


async def demo_audits(urls: Mapping[str, str], prompts: DemoPrompts, out: Path) -> AsyncIterator[DemoResult]:
    """Audit every provider of the demo; yields each result as it is there.

    Args:
        urls: Base URLs of the running servers, by name.
        prompts: What to ask.
        out: Folder for the run directories, one a provider and one for the baseline.
    """

    async def audited(provider: DemoProvider, asked: list[Conversation], name: str, baseline: Path | None) -> AuditRun:
        return await aaudit(
            asked,
            provider=urls[provider.name],
            model=MODEL_NAME,
            reference=urls[REFERENCE.name],
            tokenizer="demo",
            max_tokens=MAX_TOKENS,
            baseline=baseline,
            out=out / name,
            concurrency=CONCURRENCY,
        )

    baseline = await audited(HONEST, prompts.baseline, "baseline", None)
    for provider in PROVIDERS:
        yield DemoResult(provider, await audited(provider, prompts.audited, provider.name, baseline.path))


def as_expected(results: Iterable[DemoResult]) -> bool:
    """Whether every provider with an expected verdict came to it."""
    return all(result.provider.expected in {None, result.run.verdict} for result in results)
