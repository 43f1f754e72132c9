"""How often is the verdict right? Error rates of made-up audits and of the demo, and the power against its impostors.

    python scripts/measure_verdict.py --level --coverage --consistency --mix --power --deviations      any of them; all without options

Exit status 1 if a share surely misses its limit. The first three simulate audits whose truth is known (``verdict_tables.py``).
The others, and three rows of the first, draw small audits from such as were made of every provider of the demo once, on many
prompts (``demo_tables.py``): minutes, unless ``--runs`` names the folder that holds them from another time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import demo_tables
import verdict_tables
from demo_pools import make_pools
from verdict_tables import Row, Task

TABLES = ("level", "coverage", "consistency", "mix", "power", "deviations")
OF_DEMO = {
    "level": demo_tables.level_tasks,
    "mix": demo_tables.mix_tasks,
    "power": demo_tables.power_tasks,
    "deviations": demo_tables.deviation_tasks,
}
OF_SIMULATION = {
    "level": verdict_tables.level_tasks,
    "coverage": verdict_tables.coverage_tasks,
    "consistency": verdict_tables.consistency_tasks,
}


def main() -> None:
    """Prints the tables that the command line names."""
    sys.exit(not measured(_arguments()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in TABLES:
        parser.add_argument(f"--{name}", action="store_true", help=f"the table of this name ({name})")
    parser.add_argument("--repetitions", type=int, default=2000, help="audits a row")
    parser.add_argument("--draws", type=int, default=400, help="audits drawn for each impostor, design and size")
    parser.add_argument("--pool", type=int, default=500, help="prompts that every provider of the demo is asked")
    parser.add_argument("--runs", type=Path, help="folder that keeps the audits of the demo's providers")
    parser.add_argument("--simulated", action="store_true", help="leave the demo out")
    parser.add_argument("--processes", type=int, default=1, help="rows that are worked on at once")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> bool:
    """Print the tables; whether every row holds."""
    chosen = [name for name in TABLES if getattr(arguments, name)] or list(TABLES)
    with ExitStack() as stack:
        folder = None
        if not arguments.simulated and any(name in OF_DEMO for name in chosen):
            folder = arguments.runs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            make_pools(folder, arguments.pool)
        missed = 0
        for name in chosen:
            print(f"\n{name}")
            tasks = OF_SIMULATION[name]() if name in OF_SIMULATION else []
            tasks += OF_DEMO[name](folder) if folder is not None and name in OF_DEMO else []
            repetitions = arguments.draws if name == "power" else arguments.repetitions
            for row in _rows(tasks, repetitions, arguments.processes):
                missed += not row.holds
                print(f"{row.name:76}{100 * row.share:7.2f} %{'' if row.holds else '  MISSED'}", flush=True)
        return not missed


def _rows(tasks: list[Task], repetitions: int, processes: int) -> Iterator[Row]:
    if processes == 1:
        for task in tasks:
            yield from task(repetitions)
        return
    with ProcessPoolExecutor(processes) as executor:
        for rows in executor.map(_run, tasks, [repetitions] * len(tasks)):
            yield from rows


def _run(task: Task, repetitions: int) -> list[Row]:
    return task(repetitions)


if __name__ == "__main__":
    main()
