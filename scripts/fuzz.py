"""Random and hostile bytes against every parser of answers, for as long as you like.

    python scripts/fuzz.py [--seconds 600]

Runs the property tests that ``make test`` runs for a moment, over and over with fresh seeds: those of the core
(``rust/core/tests/hostile_answers.rs``, proptest) and those of the Python boundary (``tests/reference/test_wire.py``,
hypothesis), each for so many seconds. The first failure ends it with status 1, after printing the case.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUST_CASES = 200_000
"""Cases of a property and round."""
PYTHON_CASES = 2_000


def main() -> None:
    """Parse the command line, fuzz both sides, print what was tried."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers of answers.")
    parser.add_argument("--seconds", type=float, default=600.0, help="time for each side")
    seconds = parser.parse_args().seconds
    report("core", RUST_CASES, rounds(rust_round, seconds), seconds)
    report("Python boundary", PYTHON_CASES, rounds(python_round, seconds), seconds)


def rounds(run: Callable[[], None], seconds: float) -> int:
    """How often ``run`` has ended well once the time is up; at least once."""
    end = time.monotonic() + seconds
    done = 0
    while done == 0 or time.monotonic() < end:
        run()
        done += 1
    return done


def rust_round() -> None:
    """Every property of the core; proptest draws its seed afresh."""
    command = ["cargo", "test", "--release", "--quiet", "-p", "token-difr-core", "--test", "hostile_answers"]
    check(command, {"PROPTEST_CASES": str(RUST_CASES)})


def python_round() -> None:
    """Every property of the boundary, without the examples that earlier rounds have stored."""
    test = "tests/reference/test_wire.py"
    check(
        [sys.executable, "-m", "pytest", "-q", "-x", "--timeout=0", test],
        {"TOKEN_DIFR_MAX_EXAMPLES": str(PYTHON_CASES)},
    )


def check(command: list[str], settings: dict[str, str]) -> None:
    """Run a command quietly; print its output and stop where it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def report(side: str, cases: int, done: int, seconds: float) -> None:
    """One line a side."""
    print(f"{side}: {done} rounds of {cases:,} cases a property in {seconds:.0f} s, no failure", flush=True)


if __name__ == "__main__":
    main()
