"""Which warnings fail a test, and which are only printed: the rule of ``filterwarnings`` in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {
    "our_class": "warnings.warn('said by us', TokenDifrWarning)",
    "our_arithmetic": "exec('np.float64(1) / np.float64(0)', {'np': np, '__name__': 'token_difr.scores.made_up'})",
    "left_open": "open(__file__)",
    "never_awaited": "asyncio.sleep(0)",
    "failed_thread": "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
}
THEIRS = {
    "inside_a_package": "warnings.warn_explicit('gone soon', DeprecationWarning, 'x.py', 1, 'transformers.models')",
    "pointing_at_our_line": (
        "warnings.warn_explicit('use cache', FutureWarning, 'torch.py', 1, 'token_difr.engine.torch')"
    ),
    "a_user_warning": "warnings.warn('theirs', UserWarning)",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints about one test a statement, under this repository's settings."""
    file = tmp_path_factory.mktemp("warnings") / "test_made_up.py"
    tests = [
        f"def test_{name}():\n    {statement}\n    gc.collect()\n" for name, statement in {**OURS, **THEIRS}.items()
    ]
    head = (
        "import asyncio, gc, threading, warnings\nimport numpy as np\nfrom token_difr.errors import TokenDifrWarning\n"
    )
    file.write_text("\n".join([head, *tests]), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-p",
        "no:cacheprovider",
        "-rA",
        str(file),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("name", OURS)
def test_our_own_are_errors(output: str, name: str) -> None:
    """Our class of warnings, and what only a fault of ours brings about."""
    assert re.search(rf"^FAILED \S*::test_{name}\b", output, re.MULTILINE)


@pytest.mark.parametrize("name", THEIRS)
def test_those_of_others_are_printed(output: str, name: str) -> None:
    """Whatever module they point at, also where that is ours: the test passes, and the summary shows the warning."""
    summary = output[output.index("warnings summary") : output.index("short test summary")]

    assert re.search(rf"^PASSED \S*::test_{name}\b", output, re.MULTILINE)
    assert f"::test_{name}\n" in summary
