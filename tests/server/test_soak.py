"""Many clients at once for a minute; ``scripts/soak_server.py`` is the same for longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "soak_server.py"
SECONDS = float(os.environ.get("TOKEN_DIFR_SOAK_SECONDS", "60"))


@pytest.mark.timeout(SECONDS + 240)
def test_many_clients_get_right_answers_and_leave_no_memory_behind() -> None:
    """64 mixed clients, some of which vanish: no wrong answer, memory and health within their limits."""
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), "--seconds", str(SECONDS)], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
