"""How often a diagnosis is wrong: causes named, and cells that differ, in audits of honest providers and of other weights.

    python scripts/measure_diagnosis.py [--folder DIR] [--draws N]

Each draw is an audit and its baseline: answers of the demo's providers to other prompts, out of pools that are made once and
kept (``scripts/demo_pools.py``, some minutes). Printed are the shares of draws in which any cause is named, and in which any
cell of the profile differs.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo_pools import AS_TEXT, AT_ZERO, make_pools
from token_difr.diagnosis import Side, diagnose
from token_difr.findings import Evidence, find_all
from token_difr.records import TopKBatch
from token_difr.run.directory import RunDirectory
from token_difr.run.evidence import evidence_of
from token_difr.sequences import Tokenizer, load_tokenizer
from token_difr.verdict import compare
from token_difr.verdict.matching import cut

ANSWERS = 1000
SIZES = (30, 100)
LEVEL = 0.01
HONEST = "honest"
ROWS = ((AT_ZERO, HONEST), (AS_TEXT, HONEST), (AT_ZERO, "int8"), (AT_ZERO, "int4"), (AT_ZERO, "random-token"))


def main() -> None:
    """Prints a line for each provider and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("power_runs"), help="where the pools are kept")
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args()
    make_pools(options.folder, ANSWERS // 2)
    tokenizer = load_tokenizer("demo")
    print("| answers a side | provider | draws | a cause named | a cell differs | causes |")
    for design, name in ROWS:
        pools = [read_side(options.folder / design / each) for each in (name, HONEST)]
        for size in SIZES:
            print(measured(f"{name}, {design}", pools, size, options.draws, tokenizer), flush=True)


def read_side(path: Path) -> Side:
    """A provider's answers."""
    with RunDirectory.read(path) as run:
        stored = run.stored_scores()
        if stored is None:
            raise SystemExit(f"{path} has no scores: remove it, and run this again")
        return Side(evidence=evidence_of(run), scores=stored.scores)


def measured(label: str, pools: Sequence[Side], size: int, draws: int, tokenizer: Tokenizer) -> str:
    """The line of one provider and one size."""
    named, differing, causes = 0, 0, Counter[str]()
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(min(map(len, (pool.evidence.prompts for pool in pools))))
        ours, theirs = (
            drawn(pool, part) for pool, part in zip(pools, (order[:size], order[size : 2 * size]), strict=True)
        )
        comparison = compare(ours.scores, theirs.scores, level=LEVEL, seed=seed)
        found = diagnose(ours, theirs, tokenizer, find_all(ours.evidence), comparison=comparison, level=LEVEL)
        named += bool(found.causes)
        differing += any(cell.differs for cell in found.cells)
        causes.update(cause.name for cause in found.causes)
    told = ", ".join(f"{name} {count}" for name, count in causes.most_common()) or "-"
    return f"| {size} | {label} | {draws} | {100 * named / draws:.2f} % | {100 * differing / draws:.1f} % | {told} |"


def drawn(pool: Side, indexes: NDArray[np.int64]) -> Side:
    """Some of the answers."""
    lengths = np.diff(pool.scores.sequence_indptr)[indexes]
    evidence = pool.evidence
    return Side(
        scores=cut(pool.scores, indexes, lengths),
        evidence=Evidence(
            audit=evidence.audit,
            prompts=[evidence.prompts[index] for index in indexes],
            responses=[replace(evidence.responses[index], index=place) for place, index in enumerate(indexes)],
            sequences=[evidence.sequences[index] for index in indexes],
            batch=rows_of(evidence.batch, indexes),
        ),
    )


def rows_of(batch: TopKBatch, indexes: NDArray[np.int64]) -> TopKBatch:
    """The rows of some sequences."""
    positions = spans(batch.sequence_indptr, indexes)
    entries = spans(batch.indptr, positions)
    return TopKBatch(
        indptr=np.concatenate([[0], np.cumsum(np.diff(batch.indptr)[positions])]),
        token_ids=batch.token_ids[entries],
        logprobs=batch.logprobs[entries],
        claimed=batch.claimed[positions],
        sequence_indptr=np.concatenate([[0], np.cumsum(np.diff(batch.sequence_indptr)[indexes])]),
    )


def spans(offsets: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """All that lies in the chosen spans, in their order."""
    lengths = np.diff(offsets)[chosen]
    starts = offsets[:-1][chosen] - np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return np.repeat(starts, lengths) + np.arange(lengths.sum())


if __name__ == "__main__":
    main()
