"""Many clients at once, for a few requests each; ``scripts/soak_server.py`` is the same for longer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "soak_server.py"
CLIENTS = 64
REQUESTS = int(os.environ.get("TOKEN_DIFR_SOAK_REQUESTS", "6"))


def test_many_clients_get_right_answers_and_leave_no_memory_behind() -> None:
    """64 mixed clients, some of which vanish: every other request is answered, none wrongly, and the memory is bounded."""
    command = [sys.executable, str(SCRIPT), "--requests", str(REQUESTS), "--clients", str(CLIENTS)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    counts = re.search(r"answers +(\d+) of (\d+) requests, and (\d+) clients that left", ended.stdout)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert counts is not None
    answered, asked, left = map(int, counts.groups())
    assert asked == answered + left == CLIENTS * REQUESTS
    assert answered > asked / 2
    assert left > 0
