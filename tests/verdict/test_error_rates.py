"""The error rates of the verdict, over a few made-up audits a case; ``scripts/measure_verdict.py`` alone has them over many."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from patience import PATIENCE_SECONDS

SCRIPT = Path(__file__).parents[2] / "scripts" / "measure_verdict.py"


@pytest.mark.parametrize(("table", "repetitions"), [("--level", 8), ("--coverage", 50), ("--consistency", 3)])
def test_no_rate_surely_misses_its_limit(table: str, repetitions: int) -> None:
    """Honest sides are divergent in at most 2 %, intervals hold the truth in 91 %, a loss of two points is not consistent."""
    done = subprocess.run(
        [sys.executable, SCRIPT, table, "--repetitions", str(repetitions)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) > 10
