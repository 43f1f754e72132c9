"""Is the power that a plan predicts the power that audits have? Predicted beside simulated, for every impostor of the demo.

    python scripts/measure_plan.py --runs FOLDER [--draws 200] [--processes 2]

Audits of several sizes are drawn from the demo's providers, of the same prompts and of other ones, and judged by the product's own
verdict. Exit status 1 if a prediction for eight answers or more is off by more than 10 points; fewer are printed with a star. The
audits that are drawn from are made as for ``measure_verdict.py``, unless ``--runs`` names the folder that holds them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demo_pools import AT_ONE, AT_ZERO, Pool, make_pools
from demo_tables import IN_WORDS, SAMPLINGS, pool
from token_difr.demo.providers import HONEST
from token_difr.planning import ROUGH_BELOW, Design, power
from token_difr.records import Rule, Verdict
from token_difr.verdict import SideRows, compare
from token_difr.verdict.deviation_table import known_table
from token_difr.verdict.intervals import wilson
from token_difr.verdict.matching import match
from token_difr.verdict.permutation import Z_TWO_SIDED_99, permutation_test
from token_difr.verdict.prompt_mix import ACCUSATION, prompt_mix
from verdict_tables import LEVEL, MORE, REPLAYED, surely_alike

MOST_OFF = 0.1


class Case(NamedTuple):
    """An impostor, its name in the table of deviations, and how many answers a side audits have."""

    at: str
    provider: str
    name: str
    sizes: tuple[int, ...]


CASES = (
    Case(AT_ZERO, "int8", "int8 weights", (12, 24, 48)),
    Case(AT_ZERO, "int4", "int4 weights", (5, 8, 12, 16)),
    Case(AT_ZERO, "system-prompt", IN_WORDS["system-prompt"], (5, 8, 12, 16)),
    Case(AT_ZERO, "random-token", "1 % random tokens", (12, 24, 48)),
    Case(AT_ONE, "temperature", "temperature 1.1", (8, 12, 16)),
    Case(AT_ONE, "seed", IN_WORDS["seed"], (5, 8, 12, 16)),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, help="folder that keeps the audits of the demo's providers")
    parser.add_argument("--draws", type=int, default=200, help="audits drawn for each impostor, size and design")
    parser.add_argument("--pool", type=int, default=500, help="prompts that every provider of the demo is asked")
    parser.add_argument("--processes", type=int, default=1, help="cells that are worked on at once")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.runs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_pools(folder, arguments.pool)
        sys.exit(not measured(folder, arguments.draws, arguments.processes))


def measured(folder: Path, draws: int, processes: int) -> bool:
    """Print the table; whether every prediction of eight answers or more holds."""
    cells = [(case, size, paired) for case in CASES for size in case.sizes for paired in (True, False)]
    missed = 0
    print(f"{'deviation':24}{'prompts':9}{'answers':>7}{'predicted':>11}{'of audits':>11}")
    with ProcessPoolExecutor(processes) as executor:
        shares = executor.map(_drawn, repeat(folder), cells, repeat(draws))
        for (case, size, paired), share in zip(cells, shares, strict=True):
            predicted = _predicted(case, size, paired=paired)
            few, off = size < ROUGH_BELOW, abs(predicted - share) > MOST_OFF
            missed += off and not few
            mark = "  MISSED" if off and not few else " *" if few else ""
            prompts = "same" if paired else "other"
            print(f"{case.name:24}{prompts:9}{size:7}{100 * predicted:9.1f} %{100 * share:9.1f} %{mark}", flush=True)
    print(f"* fewer than {ROUGH_BELOW} answers a side: a rough figure")
    return not missed


def _predicted(case: Case, size: int, *, paired: bool) -> float:
    table = known_table()
    deviation = next(each for each in table.deviations if (each.name, each.sampling) == (case.name, SAMPLINGS[case.at]))
    return power(deviation, table.noise[deviation.sampling], size, Design(LEVEL, paired=paired))


def _drawn(folder: Path, cell: tuple[Case, int, bool], draws: int) -> float:
    """The share of audits of so many answers a side that come out divergent."""
    case, size, paired = cell
    candidate, honest = pool(folder, case.at, case.provider), pool(folder, case.at, HONEST.name)
    divergent = 0
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(candidate.scores))
        mine, other = order[:size], order[:size] if paired else order[size : 2 * size]
        divergent += is_divergent(candidate.take(mine), honest.take(other), seed, paired=paired)
    return divergent / draws


def is_divergent(ours: Pool, theirs: Pool, seed: int, *, paired: bool) -> bool:
    """Whether the verdict is *divergent*. Few deals tell most that surely are, as well as those that surely are not."""
    pairs = np.repeat(np.arange(len(ours.scores))[:, None], 2, axis=1) if paired else None
    matched = match(ours.scores, theirs.scores, pairs, REPLAYED)
    tested = partial(permutation_test, matched.candidate, matched.baseline, paired=paired)
    if surely_alike(tested, seed):
        return False
    test = tested(rule=Rule(seed=seed, **MORE))
    if wilson(test.p_value, test.deals, z=Z_TWO_SIDED_99)[1] < LEVEL:
        alike = paired or prompt_mix(ours.rows, theirs.rows, Rule(seed=seed)).p_value >= ACCUSATION * LEVEL
        if alike:
            return True
    rows = None if paired else SideRows(ours.rows, theirs.rows)
    return compare(ours.scores, theirs.scores, seed=seed, pairs=pairs, rows=rows).verdict is Verdict.DIVERGENT


if __name__ == "__main__":
    main()
