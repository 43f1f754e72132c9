"""Exit 1 says "divergent", and nothing else does."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from token_difr import cli
from token_difr.run import RunDirectory
from token_difr.run.audit import audit

PROMPTS = [[{"role": "user", "content": f"question {n}"}] for n in range(3)]


def run_cli(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "token_difr", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def run_here(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command line, in this process."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    return (int(left.value.code or 0), *capsys.readouterr())


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
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-key-env", "sk-secret1"],
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-header", "a secret=1"],
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-header", "=secret"],
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-header", "X=1", "--provider-header", "x=secret"],
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-header", "Content-Length=secret"],
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-header-env", "X-Secret=sk-secret1"],
        ["collect", "--provider", "http://127.0.0.1:9", "--provider-header-env", "secret"],
        ["collect", "--provider", "http://127.0.0.1:9", "--max-answer-mb", "0"],
        [
            "rollouts",
            "sample",
            "q",
            "--model",
            "m",
            "--provider",
            "http://127.0.0.1:9",
            "--provider-key-env",
            "secret1",
        ],
    ],
)
def test_bad_input(
    arguments: list[str],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong usage and wrong input exit with 2 and a word on it, without a traceback."""
    monkeypatch.chdir(tmp_path)
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(prompt) + "\n" for prompt in PROMPTS))
    rest = ["--model", "m", "--prompts", str(prompts), "--out", "DIR", "--max-retries", "0"]
    if "RUN" in arguments:
        run = str(request.getfixturevalue("finished"))
        arguments = [run if part == "RUN" else part for part in arguments]
    code, _, words = run_here([*arguments, *(rest if arguments[:1] == ["collect"] else [])], capsys)
    assert code == 2
    assert words or not arguments
    assert "Traceback" not in words
    assert "internal error" not in words
    assert "secret" not in words
    assert words.replace("\n", "").isprintable()


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
    """Output that cannot be written is no fault of ours, and no verdict."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "token_difr", "report", str(finished)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "no space left: cannot write standard output (No space left on device); what is in run" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ZeroDivisionError("a\x1b\nb"), 70, r"token-difr: internal error: ZeroDivisionError: a\x1b b; set TOKEN"),
        (EOFError("end"), 70, "internal error: EOFError: end"),
        (MemoryError(), 70, "internal error: MemoryError: "),
        (RecursionError("x" * 9999), 70, "internal error: RecursionError: xxx"),
        (SystemExit(1), 70, "internal error: SystemExit: 1"),
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
        (BrokenPipeError(32, "gone"), 141, ""),
        (typer.Exit(3), 3, ""),
        (typer.Exit(1), 1, ""),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "no space left: cannot write standard output (No space"),
        (
            OSError(errno.ENOSPC, "full", "/x/y"),
            2,
            "no space left: cannot write /x/y (full); what is in run directories",
        ),
        (OSError(errno.EDQUOT, "quota"), 2, "no space left"),
        (PermissionError(errno.EACCES, "denied", "/x"), 2, "token-difr: cannot write /x (denied)\n"),
        (OSError(errno.EACCES, "denied"), 70, "internal error: PermissionError"),
        (FileNotFoundError(errno.ENOENT, "gone", "/x"), 70, "internal error: FileNotFoundError"),
    ],
    ids=repr,
)
def test_errors_of_every_kind(
    error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a verb raises has an exit code of its own and at most one line; 1 is only what a verb chose."""

    def command() -> None:
        raise error

    app = cli._app()
    app.command("raise")(command)
    monkeypatch.setattr(cli, "app", app)
    monkeypatch.delenv("TOKEN_DIFR_DEBUG", raising=False)
    left, _, said = run_here(["raise"], capsys)
    assert left == code
    assert len(said.split("\n")) <= 3  # typer puts an empty line before an EOFError's
    assert bool(said) == bool(words)
    assert words in said
    monkeypatch.setenv("TOKEN_DIFR_DEBUG", "1")
    assert ("Traceback" in run_here(["raise"], capsys)[2]) == (code == 70)
