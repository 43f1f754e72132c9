"""Imports point down: the contracts of pyproject.toml, as ``make check`` runs them, and that they see what they should."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package's sources and of the contracts."""
    skipped = shutil.ignore_patterns("__pycache__", "*.so", "*.jsonl", "*.onnx", "*.safetensors", "*.json")
    shutil.copytree(ROOT / "python", tmp_path / "python", ignore=skipped)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Checks the contracts of a tree."""
    path = os.pathsep.join([str(tree / "python"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tree_keeps_its_contracts() -> None:
    """This tree."""
    done = lint(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "planted", "named"),
    [
        (
            "records/metrics.py",
            "import token_difr.scores",
            "token_difr.records is not allowed to import token_difr.scores",
        ),
        (
            "endpoint/client.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from token_difr.records import Response",
            "token_difr.endpoint is not allowed to import token_difr.records",
        ),
        (
            "report/terminal.py",
            "import token_difr.scores",
            "token_difr.report is not allowed to import token_difr.scores",
        ),
        ("scores/scoring.py", "import token_difr.api", "token_difr.scores is not allowed to import token_difr.api"),
        ("anything/__init__.py", "", "token_difr.anything"),
    ],
    ids=["upward", "for a type checker alone", "report", "a face of 0.1", "a room without a place"],
)
def test_a_planted_import_is_found(tree: Path, file: str, planted: str, named: str) -> None:
    """One line in the wrong place breaks a contract, and is named."""
    target = tree / "python" / "token_difr" / file
    target.parent.mkdir(exist_ok=True)
    with target.open("a", encoding="utf-8") as module:
        module.write(f"\n{planted}\n")
    done = lint(tree)

    assert done.returncode == 1
    assert named in done.stdout
