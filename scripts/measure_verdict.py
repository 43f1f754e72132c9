"""How often is the verdict right? Error rates of made-up audits, and the power against the demo's impostors.

    python scripts/measure_verdict.py --level --coverage --consistency --power      any of them; all without options

Exit status 1 if a share surely misses its limit. The first three simulate audits whose truth is known (``verdict_tables.py``). ``--power`` serves and audits every provider of
the demo once, on many prompts, and draws small audits from these runs: a candidate's answers against the honest provider's,
on other prompts and on the same. It also prints what ``verdict/known_deviations.toml`` holds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from token_difr.answers import read_prompts
from token_difr.demo.providers import HONEST, MODEL_NAME, PROVIDERS, REFERENCE, DemoProvider
from token_difr.demo.servers import running_servers
from token_difr.demo_model import PROMPTS_FILE
from token_difr.records import Rule, Scores, Verdict
from token_difr.run.audit import aaudit
from token_difr.run.directory import RunDirectory
from token_difr.verdict import RowFacts, SideRows, compare, row_facts
from token_difr.verdict.matching import cut
from verdict_tables import Row, consistency_table, coverage_table, level_table

MAX_TOKENS = 64
SIZES = (5, 10, 20, 40, 80, 150)
DEVIATION = ("clipped_margin_0.1", "mismatch_rate", "clipped_margin_5")
TABLES: dict[str, Callable[[int], Iterator[Row]]] = {
    "level": level_table,
    "coverage": coverage_table,
    "consistency": consistency_table,
}


class Pool(NamedTuple):
    """A provider's answers to all prompts, from which audits are drawn."""

    scores: Scores
    rows: RowFacts

    def take(self, indexes: NDArray[np.int64]) -> Pool:
        """The answers with these indexes."""
        scores = cut(self.scores, indexes, np.diff(self.scores.sequence_indptr)[indexes])
        columns = (column[indexes] for column in self.rows[1:])
        return Pool(scores, RowFacts(self.rows.shift_matches, *columns))


def main() -> None:
    """Prints the tables that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in (*TABLES, "power"):
        parser.add_argument(f"--{name}", action="store_true", help=f"the table of this name ({name})")
    parser.add_argument("--repetitions", type=int, default=2000, help="made-up audits a row")
    parser.add_argument("--pool", type=int, default=480, help="prompts that every provider of the demo is asked")
    parser.add_argument("--draws", type=int, default=300, help="audits drawn for each provider and size")
    arguments = parser.parse_args()
    chosen = [name for name in (*TABLES, "power") if getattr(arguments, name)] or [*TABLES, "power"]
    missed = 0
    for name in chosen:
        print(f"\n{name}")
        lines = power_table(arguments.pool, arguments.draws) if name == "power" else TABLES[name](arguments.repetitions)
        for row in lines:
            held = row.holds(arguments.repetitions)
            missed += not held
            print(f"{row.name:76}{100 * row.share:7.2f} %{'' if held else '  MISSED'}", flush=True)
    sys.exit(missed > 0)


def power_table(pool: int, draws: int) -> Iterator[Row]:
    """Impostor, design and size; the share of audits that come out divergent."""
    with tempfile.TemporaryDirectory() as folder:
        pools = asyncio.run(audit_all(pool, Path(folder)))
    honest = pools[HONEST.name]
    everything = np.arange(len(honest.scores))
    for provider in PROVIDERS:
        comparison = compare(pools[provider.name].scores, honest.scores, pairs=np.stack([everything] * 2, axis=1))
        sizes = {entry.name: entry.difference for entry in comparison.statistics if entry.name in DEVIATION}
        print(provider.deviation, {name: round(size, 5) for name, size in sizes.items()})
        for paired in (False, True):
            for sequences in SIZES:
                if (2 - paired) * sequences > len(everything):
                    continue
                shares = drawn(pools[provider.name], honest, sequences, draws, paired=paired)
                tokens = int(np.diff(honest.scores.sequence_indptr).mean() * sequences)
                design = "same prompts" if paired else "other prompts"
                for verdict in (Verdict.DIVERGENT, Verdict.CONSISTENT):
                    if shares[verdict]:
                        name = f"{provider.deviation}, {design}, {sequences} answers ({tokens:,} tokens) a side"
                        yield Row(f"{name}: {verdict}", shares[verdict])


async def audit_all(count: int, folder: Path) -> dict[str, Pool]:
    """Every provider's answers, all to the same prompts; the honest one's come twice, from two runs."""
    prompts = read_prompts(PROMPTS_FILE)[:count]
    with running_servers((REFERENCE, *PROVIDERS), folder) as urls:

        async def pool(provider: DemoProvider) -> Pool:
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
            with RunDirectory.read(run.path) as directory:
                return Pool(run.scores, row_facts(directory.batch()))

        return {provider.name: await pool(provider) for provider in PROVIDERS}


def drawn(candidate: Pool, honest: Pool, sequences: int, draws: int, *, paired: bool) -> dict[Verdict, float]:
    """The shares of the verdicts of audits of so many answers a side."""
    counts = dict.fromkeys(Verdict, 0)
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(honest.scores))
        mine = order[:sequences]
        ours, theirs = candidate.take(mine), honest.take(mine if paired else order[sequences : 2 * sequences])
        comparison = compare(
            ours.scores,
            theirs.scores,
            rule=Rule(seed=seed, permutations=999, most_permutations=999),
            pairs=np.repeat(np.arange(sequences)[:, None], 2, axis=1) if paired else None,
            rows=SideRows(ours.rows, theirs.rows),
        )
        counts[comparison.verdict] += 1
    return {verdict: count / draws for verdict, count in counts.items()}


if __name__ == "__main__":
    main()
