"""How often is the verdict right? ``python scripts/measure_verdict.py`` prints the rates of the three verdicts.

Serves and audits every provider of the demo once, on many prompts; then draws many small audits from these runs: a
candidate's sequences on some prompts against the honest provider's on others. The honest provider against itself gives the
rate of false alarms, which the level of 1 % bounds; the others give the power. Takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from token_difr.answers import read_prompts
from token_difr.demo.providers import HONEST, MODEL_NAME, PROVIDERS, REFERENCE, DemoProvider
from token_difr.demo.servers import running_servers
from token_difr.demo_model import PROMPTS_FILE
from token_difr.records import Rule, Verdict
from token_difr.run.audit import aaudit
from token_difr.verdict.comparison import compare_sums
from token_difr.verdict.sums import SequenceSums, sequence_sums

MAX_TOKENS = 64


def main() -> None:
    """Audit, draw, and print one line a provider."""
    parser = argparse.ArgumentParser(description="Measure how often the verdict is right.")
    parser.add_argument("--pool", type=int, default=1200, help="prompts that every provider is asked")
    parser.add_argument("--prompts", type=int, default=100, help="prompts a side of each drawn audit")
    parser.add_argument("--draws", type=int, default=500, help="audits drawn for each provider")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pools = asyncio.run(audit_all(arguments.pool, Path(folder)))
    print(f"{arguments.draws} audits drawn, {arguments.prompts} prompts of up to {MAX_TOKENS} tokens a side")
    print(f"{'behind the API':22}" + "".join(f"{verdict:>14}" for verdict in Verdict))
    for provider in PROVIDERS:
        counts = draw(pools[provider.name], pools[HONEST.name], arguments.prompts, arguments.draws)
        shares = "".join(f"{100 * counts[verdict] / arguments.draws:12.1f} %" for verdict in Verdict)
        print(f"{provider.deviation:22}{shares}")


async def audit_all(pool: int, folder: Path) -> dict[str, SequenceSums]:
    """The sums of every provider's sequences, all on the same prompts."""
    prompts = read_prompts(PROMPTS_FILE)[:pool]
    with running_servers((REFERENCE, *PROVIDERS), folder) as urls:

        async def sums(provider: DemoProvider) -> SequenceSums:
            run = await aaudit(
                prompts,
                provider=urls[provider.name],
                model=MODEL_NAME,
                reference=urls[REFERENCE.name],
                tokenizer="demo",
                max_tokens=MAX_TOKENS,
                out=folder / provider.name,
                concurrency=32,
            )
            return sequence_sums(run.scores)

        return {provider.name: await sums(provider) for provider in PROVIDERS}


def draw(candidate: SequenceSums, honest: SequenceSums, prompts: int, draws: int) -> Counter[Verdict]:
    """The verdicts of audits on disjoint sets of prompts."""
    verdicts: Counter[Verdict] = Counter()
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(honest.weights))
        ours, theirs = candidate.take(order[:prompts]), honest.take(order[prompts : 2 * prompts])
        verdicts[compare_sums(ours, theirs, Rule(seed=seed)).verdict] += 1
    return verdicts


if __name__ == "__main__":
    main()
