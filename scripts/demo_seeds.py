"""The demo with several seeds, which choose its prompts: one table of all verdicts.

    python scripts/demo_seeds.py [--seeds N] [--out FOLDER]     seeds 0 to N - 1; 10 without the option

A seed takes about three minutes on two cores. Runs are kept in FOLDER/SEED, and a seed whose runs are there is not run again.
Exit status 1 if a verdict is not the one that the deviation calls for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from token_difr.demo.providers import PROVIDERS, SAMPLED_PROVIDERS
from token_difr.records import Verdict


def main() -> None:
    """Runs the demo for every seed and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folders = [(arguments.out or Path(made)) / str(seed) for seed in range(arguments.seeds)]
        for seed, folder in enumerate(folders):
            if not folder.exists():
                command = [sys.executable, "-m", "token_difr", "demo", "--seed", str(seed), "--out", str(folder)]
                subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        print(f"{'':44}" + "".join(f"{seed:>4}" for seed in range(len(folders))))
        wrong = sum(shown(name, run, expected, folders) for name, run, expected in audits())
    print("C consistent, D divergent, I inconclusive; ! not as it should be, - any may come")
    sys.exit(wrong > 0)


def audits() -> Iterator[tuple[str, str, Verdict | None]]:
    """Words, folder and expected verdict of each of the demo's audits."""
    for provider in PROVIDERS:
        yield provider.deviation, provider.name, provider.expected
    for provider in SAMPLED_PROVIDERS:
        yield f"{provider.deviation}, T = 1, replayed", f"{provider.name}-seeded", provider.expected
        if provider.unseeded is not None:
            yield f"{provider.deviation}, T = 1, without a seed", f"{provider.name}-unseeded", provider.unseeded


def shown(name: str, run: str, expected: Verdict | None, folders: list[Path]) -> int:
    """Prints a row; returns how many of its verdicts are wrong."""
    verdicts = [Verdict(json.loads((folder / run / "report.json").read_text("utf-8"))["verdict"]) for folder in folders]
    wrong = [expected not in {None, verdict} for verdict in verdicts]
    marks = ["!" if each else "" for each in wrong]
    cells = "".join(f"{mark + verdict.value[0].upper():>4}" for mark, verdict in zip(marks, verdicts, strict=True))
    print(f"{name + ('' if expected else ' -'):44}{cells}")
    return sum(wrong)


if __name__ == "__main__":
    main()
