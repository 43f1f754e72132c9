"""The soak of the rollouts client, in its short form."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "soak_rollouts.py"


def test_short_soak() -> None:
    """600 samples through a bad proxy: each its own answer or a named error, once, and the key nowhere."""
    command: list[str | Path] = [sys.executable, SCRIPT, "--samples", "600", "--prompts", "12"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "600 samples" in made.stdout
