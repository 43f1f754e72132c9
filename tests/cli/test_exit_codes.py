"""Exit 1 says "divergent", and nothing else does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from token_difr.run import RunDirectory
from token_difr.run.audit import audit

PROMPTS = [[{"role": "user", "content": f"question {n}"}] for n in range(3)]


def run_cli(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "token_difr", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def finished(endpoint: Any, tmp_path: Path) -> Path:
    """The directory of an audit without a baseline."""
    url = endpoint.url
    return audit(
        PROMPTS, provider=url, model="m", reference=url, tokenizer="demo", out=tmp_path / "run", progress=False
    ).path


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-verb"],
        ["--no-such-option"],
        ["decide", "RUN", "--seed", "-1"],
        ["decide", "RUN", "--seed", "many"],
        ["decide", "RUN", "--level", "nan"],
        ["decide", "RUN", "--level", "0"],
        ["decide", "no-such-run"],
        ["decide", "RUN", "--baseline", "RUN"],
        ["report", "/dev/null"],
        ["score", "RUN", "--vocab-size", "0"],
        ["collect", "--provider", "http://[::1"],
        ["collect", "--provider", "http://127.0.0.1:99999"],
        ["collect", "--provider", "http://127.0.0.1:9\x1b[2J"],
        ["collect", "--provider", "http://127.0.0.1:9/v1?key=secret"],
        ["collect", "--provider", "http://127.0.0.1:9"],
        ["collect", "--provider", "http://127.0.0.1:9", "--seed", "-1"],
        ["collect", "--provider", "http://127.0.0.1:9", "--seeds", "1,2,-3"],
    ],
)
def test_bad_input(arguments: list[str], finished: Path, tmp_path: Path) -> None:
    """Wrong usage and wrong input exit with 2 and a word on it, without a traceback."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(prompt) + "\n" for prompt in PROMPTS))
    rest = ["--model", "m", "--prompts", str(prompts), "--out", "DIR", "--max-retries", "0"]
    arguments = [str(finished) if part == "RUN" else part for part in arguments]
    done = run_cli(*arguments, *(rest if arguments[:1] == ["collect"] else []), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr or not arguments
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.replace("\n", "").isprintable()


def test_verdict_for_a_terminal_without_unicode(finished: Path) -> None:
    """A verdict's exit code does not depend on what its terminal can show."""
    with RunDirectory.resume(finished) as run:
        report = run.report()
        assert report is not None
        decision = replace(report.decision, reason="\u2265 \U0001f642")
        run.keep_report(replace(report, decision=decision))
    done = run_cli("report", finished, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 3
    assert r"\u2265 \U0001f642" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["report", "RUN"], ["report", "RUN", "--json"], ["--help"], ["--version"]])
def test_closed_pipe(arguments: list[str], finished: Path) -> None:
    """Where the reader of standard output has gone, the exit code is that of a closed pipe, without a complaint."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "token_difr", *(str(finished) if part == "RUN" else part for part in arguments)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_standard_error_that_is_closed() -> None:
    """Bad input is 2 also where nobody reads why."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "token_difr", "report", "no-such-run"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_full_output(finished: Path) -> None:
    """Output that cannot be written is an error of its own, and no verdict."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "token_difr", "report", str(finished)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 70
    assert "No space left on device" in done.stderr


RAISING = """
import sys
import typer
from token_difr import cli
def command() -> None:
    raise {error}
cli.app.command("raise")(command)
cli.main(["raise"])
"""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ("ZeroDivisionError('a\\x1b\\nb')", 70, r"token-difr: internal error: ZeroDivisionError: a\x1b b; set TOKEN"),
        ("EOFError('end')", 70, "internal error: EOFError: end"),
        ("MemoryError()", 70, "internal error: MemoryError: "),
        ("RecursionError('x' * 9999)", 70, "internal error: RecursionError: xxx"),
        ("SystemExit(1)", 70, "internal error: SystemExit: 1"),
        ("KeyboardInterrupt", 130, ""),
        ("typer.Abort", 130, ""),
        ("BrokenPipeError(32, 'gone')", 141, ""),
        ("typer.Exit(3)", 3, ""),
        ("typer.Exit(1)", 1, ""),
    ],
)
def test_errors_of_every_kind(error: str, code: int, words: str) -> None:
    """Whatever a verb raises has an exit code of its own and at most one line; 1 is only what a verb chose."""
    environment = {name: value for name, value in os.environ.items() if name != "TOKEN_DIFR_DEBUG"}
    command = [sys.executable, "-c", RAISING.format(error=error)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code
    assert len(done.stderr.split("\n")) <= 3  # typer puts an empty line before an EOFError's
    assert bool(done.stderr) == bool(words)
    assert words in done.stderr
    shown = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**environment, "TOKEN_DIFR_DEBUG": "1"}
    )
    assert ("Traceback" in shown.stderr) == (code == 70)
