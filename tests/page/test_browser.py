"""Pages in a real browser: skipped where there is no Chromium; ``make pages`` looks at the time of the first paint too."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium: install the system's package")
def test_pages_do_what_they_should(tmp_path: Path) -> None:
    """A large run's page and one of hostile texts, light, dark and narrow: nothing breaks, nothing is asked for, all can be reached."""
    script = ROOT / "scripts" / "look_at_pages.py"
    command: list[str | Path] = [
        sys.executable,
        script,
        "--out",
        tmp_path / "pages",
        "--browser",
        ROOT / ".pages" / "browser",
        "--untimed",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": 0 faults") == 6
