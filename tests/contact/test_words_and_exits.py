"""Kind 10: words and exits."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr import cli
from token_difr.cli.show import interrupted_note
from token_difr.endpoint.pool import ask_all
from token_difr.engine.torch_model import import_torch
from token_difr.errors import InputError
from token_difr.interrupts import leave_at_once

RunCli = Callable[..., tuple[int, str, str]]


class Left(BaseException):
    """In the place of the process's end."""


def test_an_interrupt_in_the_first_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """While libraries are imported too: at once, without a traceback."""

    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr(os, "_exit", leave)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        leave_at_once()
        with pytest.raises(Left, match="130"):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_note_of_an_interrupt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It names no folder that is not there."""
    interrupted_note(tmp_path / "none")
    assert "none" not in capsys.readouterr().err.replace("nothing", "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no space left: cannot write standard output"),
        (OSError(errno.ENOSPC, "full", "/x/y"), "no space left: cannot write /x/y"),
    ],
    ids=["standard output", "a file"],
)
def test_a_full_disk(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str) -> None:
    """It is told as what it is, and is no fault of ours."""

    def fail() -> None:
        raise error

    app = cli._app()
    app.command("fail")(fail)
    monkeypatch.setattr(cli, "app", app)
    code, _, said = run_cli("fail")
    assert code == 2
    assert words in said


def test_a_header_name_that_is_refused(run_cli: RunCli, command: list[object]) -> None:
    """Wrong input, not a fault of ours."""
    code, _, error = run_cli(*command, "--provider-header", "a name=1")
    assert code == 2
    assert "internal error" not in error


@pytest.mark.parametrize("width", [30, 50, 71])
def test_a_narrow_terminal(
    endpoint: Any, run_cli: RunCli, command: list[object], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """No figure is cut."""
    monkeypatch.setenv("COLUMNS", str(width))
    code, output, _ = run_cli(*command)
    assert (code, len(endpoint.requests)) == (3, 6)
    assert "…" not in output


def options_of(verb: str, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    return run_cli(verb, "--help")[1]


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("reference", ["--timeout"]),
        ("probe", ["--timeout", "--min-p", "--provider-service", "--provider-header"]),
        ("audit", ["--level", "--permutation-seed"]),
        ("decide", ["--level", "--permutation-seed", "--seed"]),
    ],
)
def test_options_that_a_verb_lacked(
    run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, verb: str, options: list[str]
) -> None:
    """Each has what its neighbors have."""
    said = options_of(verb, run_cli, monkeypatch)
    assert [option for option in options if not re.search(rf"{option}\b", said)] == []


@pytest.mark.parametrize("verb", ["audit", "collect", "tokenize", "reference", "score", "decide", "probe"])
def test_defaults_name_options_that_there_are(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """``[default: --model]`` stands only where there is a ``--model``."""
    said = options_of(verb, run_cli, monkeypatch)
    named = re.findall(r"\[default: (--[a-z-]+)", said)
    assert [name for name in named if not re.search(rf"^\W*{name}\b", said, re.MULTILINE)] == []


def test_a_torch_that_fails_to_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not to be installed, and says why it fails."""

    class Failing:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "torch":
                raise ImportError("libcudart.so.12: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Failing, *sys.meta_path])
    with pytest.raises(InputError, match="libcudart") as caught:
        import_torch("a local model", "token-difr[torch]")
    assert "pip install" not in str(caught.value)


def test_progress_in_a_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A line every so often."""
    monkeypatch.setattr("token_difr.endpoint.pool.SECONDS_A_LINE", 0.001)

    async def work() -> None:
        told = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, told.set)

        async def ask(index: int) -> None:
            if index:
                await told.wait()

        await ask_all(range(2), ask, label="collect", concurrency=2)

    asyncio.run(work())
    assert "collect: 1 of 2" in capsys.readouterr().err


def test_the_verdict_is_on_the_first_line(run_cli: RunCli, command: list[object]) -> None:
    """Not the last of forty."""
    code, output, _ = run_cli(*command)
    assert code == 3
    assert "inconclusive" in output.strip().splitlines()[0].lower()
