"""The server's page says what is there, and its examples run."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from patience import PATIENCE_SECONDS
from token_difr.cli.serve import command

PAGE = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"


def _examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def test_python_examples_run(url: str) -> None:
    """Each block runs against a server on the demo model and prints an answer."""
    assert _examples("python")
    for block in _examples("python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.replace(ADDRESS, url), "docs/server.md", "exec"), {})  # noqa: S102 - our own document

        assert printed.getvalue()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_examples_run(url: str) -> None:
    """Each block gives an answer."""
    assert _examples("bash")
    for block in _examples("bash"):
        ended = subprocess.run(
            ["bash", "-c", block.replace(ADDRESS, url)],
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )

        assert '"finish_reason"' in ended.stdout


def test_options_are_those_of_the_command() -> None:
    """Every option of ``token-difr serve`` stands on the page, and no other."""
    options = {f"--{name.replace('_', '-')}" for name in inspect.signature(command).parameters} - {"--folder"}
    named = set(re.findall(r"--[a-z][a-z-]+[a-z]", PAGE)) - {"--reference"}

    assert named == options
