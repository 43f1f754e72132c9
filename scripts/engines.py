"""Real engines against the product: vLLM, llama.cpp and our server, as providers and as references of one real model.

    python scripts/engines.py [--prompts 150] [--tokens 16] [--out DIR] [--capture DIR] [--parts PART ...] [--near-ties N]

Makes what it needs under ``.engines`` (see ``real_engines/environments.py``), starts every engine on this machine, runs the
matrix and prints a table of match rates, verdicts and warnings; ends with 0 if every verdict is as it must be. ``--out``
keeps the run directories; ``--capture`` asks what tests/captures asks, and writes the answers anew.
``--near-ties`` asks for near ties in place of whole answers (``real_engines/near_ties.py``).
"""

from __future__ import annotations

import argparse
import itertools
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from real_engines import environments, matrix
from real_engines.captures import capture
from real_engines.near_ties import HEAD, tie_rows
from real_engines.serving import engines, running, tie_engines

PROMPTS = environments.ROOT / "python" / "token_difr" / "answers" / "general_prompts.jsonl"
JUDGES = (matrix.VLLM, matrix.OURS)
AUDITS = {"greedy": matrix.greedy, "seeded": matrix.seeded, "unseeded": matrix.unseeded}
PARTS = (*AUDITS, "probes")
PROBED = (matrix.VLLM, matrix.OURS, matrix.F16)


def main() -> int:
    """Reads the command line, runs, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompts", type=int, default=150)
    parser.add_argument("--tokens", type=int, default=16, help="of the longest answer")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--capture", type=Path)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="of the matrix  [default: all]")
    parser.add_argument("--near-ties", type=int, metavar="N", help="no audits of whole answers; N near ties instead")
    options = parser.parse_args()
    environments.make_all()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        cast = engines() if options.near_ties is None else tie_engines()
        print(f"starting {', '.join(engine.name for engine in cast)} ...", flush=True)
        with running(cast, folder) as urls:
            if options.capture is not None:
                print(capture(urls, options.capture))
                return 0
            bench = matrix.Bench(
                urls=urls,
                engines={engine.name: engine for engine in cast},
                prompts=_prompts(folder, options.prompts),
                tokens=options.tokens,
                folder=folder,
            )
            return _run(bench, options.parts) if options.near_ties is None else _run_ties(bench, options.near_ties)


def _run_ties(bench: matrix.Bench, count: int) -> int:
    print(HEAD)
    rows = []
    for row in tie_rows(bench, count):
        print(row, flush=True)
        rows.append(row)
    return int(not all(row.as_it_must_be for row in rows))


def _run(bench: matrix.Bench, parts: Sequence[str]) -> int:
    started = datetime.now(UTC)
    print(matrix.HEAD, flush=True)
    audits = [audited for part, audit in AUDITS.items() if part in parts for audited in audit(bench, JUDGES)]
    for provider in PROBED if "probes" in parts else ():
        judge = matrix.OURS if provider == matrix.VLLM else matrix.VLLM
        print(bench.probe(provider, judge), bench.rollouts(provider), sep="\n", flush=True)
    minutes = (datetime.now(UTC) - started).total_seconds() / 60
    print(f"\n{started:%Y-%m-%d}, {platform.machine()}, {minutes:.0f} minutes\n\n{matrix.table(audits)}")
    return int(not all(audited.as_it_must_be for audited in audits))


def _prompts(folder: Path, count: int) -> Path:
    """The first of the prompts that ship with the package, in a file of their own."""
    chosen = folder / "prompts.jsonl"
    with PROMPTS.open(encoding="utf-8") as lines:
        chosen.write_text("".join(itertools.islice(lines, count)), encoding="utf-8")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
