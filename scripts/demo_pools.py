"""Every provider of the demo audited once, on many prompts: pools of answers, from which small audits are drawn."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from token_difr.answers import read_prompts
from token_difr.demo.audits import GREEDY, SEEDED
from token_difr.demo.providers import HONEST, MODEL_NAME, PROVIDERS, REFERENCE, SAMPLED_PROVIDERS, SAMPLER, DemoProvider
from token_difr.demo.servers import running_servers
from token_difr.demo_model import PROMPTS_FILE
from token_difr.records import Conversation, Scores
from token_difr.run.audit import aaudit
from token_difr.run.directory import RunDirectory
from token_difr.verdict import RowFacts, row_facts
from token_difr.verdict.matching import cut

MAX_TOKENS = 64
AT_ZERO, AS_TEXT, AT_ONE = "greedy", "text", "sampled"
CAST = {AT_ZERO: PROVIDERS, AS_TEXT: PROVIDERS, AT_ONE: SAMPLED_PROVIDERS[:3]}
"""At temperature 0, with token ids and by the text alone; and at temperature 1 with the noise replayed: the honest provider,
another seed, another temperature."""


class Pool(NamedTuple):
    """A provider's answers to all prompts, from which audits are drawn."""

    scores: Scores
    rows: RowFacts

    @property
    def lengths(self) -> NDArray[np.int64]:
        """int64[answers]: in tokens."""
        return np.diff(self.scores.sequence_indptr)

    def take(self, indexes: NDArray[np.int64]) -> Pool:
        """The answers with these indexes."""
        columns = (column[indexes] for column in self.rows[1:])
        return Pool(cut(self.scores, indexes, self.lengths[indexes]), RowFacts(self.rows.shift_matches, *columns))


def make_pools(folder: Path, count: int) -> None:
    """Audit whom ``folder`` does not hold yet: ``count`` prompts each, and twice as many for the honest at temperature 0."""
    questions = read_prompts(PROMPTS_FILE)
    order = np.random.default_rng(5).permutation(len(questions))
    prompts = [questions[index] for index in order[: 2 * count]]
    for design, cast in CAST.items():
        missing = [provider for provider in cast if not (folder / design / provider.name / "scores.npz").exists()]
        if missing:
            (folder / design).mkdir(parents=True, exist_ok=True)
            asyncio.run(_audit_all(missing, prompts, count, folder / design))


def read_pool(folder: Path, design: str, name: str) -> Pool:
    """One provider's answers."""
    with RunDirectory.read(folder / design / name) as run:
        stored = run.stored_scores()
        if stored is None:
            raise SystemExit(f"{run.path} has no scores: remove it, and run this again")
        return Pool(stored.scores, row_facts(run.batch()))


async def _audit_all(cast: list[DemoProvider], prompts: list[Conversation], count: int, folder: Path) -> None:
    with running_servers((REFERENCE, *cast), folder) as urls:
        for provider in cast:
            as_text, sampled = folder.name == AS_TEXT, folder.name == AT_ONE
            await aaudit(
                prompts if folder.name == AT_ZERO and provider is HONEST else prompts[:count],
                provider=urls[provider.name],
                model=MODEL_NAME,
                reference=urls[REFERENCE.name],
                tokenizer="demo",
                params=SEEDED if sampled else GREEDY,
                sampler=SAMPLER if sampled else None,
                token_ids=False if as_text else None,
                repair_requests=0 if as_text else None,
                max_tokens=MAX_TOKENS,
                out=folder / provider.name,
                concurrency=32,
            )
