"""Ctrl-C ends at once while there is nothing to keep, and in an orderly way afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from token_difr.cli.show import interrupted_note
from token_difr.interrupts import begin_work, leave_at_once, run_work


class Left(BaseException):
    """In the place of the process's end."""


@pytest.fixture(autouse=True)
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python's own at first, and what was there at the end; the process does not end."""

    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr(os, "_exit", leave)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_at_once() -> None:
    """With the code of what Ctrl-C has ended, and without an exception that a library could swallow."""
    leave_at_once()
    with pytest.raises(Left, match="130"):
        signal.raise_signal(signal.SIGINT)


def test_work_is_interrupted() -> None:
    """Once something is asked for, what has arrived is kept first."""
    kept = []

    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(3600)
        finally:
            kept.append("what has arrived")

    leave_at_once()
    with pytest.raises(KeyboardInterrupt):
        run_work(work)
    assert kept == ["what has arrived"]


@pytest.mark.parametrize("other", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_others_have_decided(other: signal.Handlers) -> None:
    """A process that ignores Ctrl-C, as a shell's in the background does, goes on doing so."""
    signal.signal(signal.SIGINT, other)
    leave_at_once()
    assert signal.getsignal(signal.SIGINT) is other
    begin_work()
    assert signal.getsignal(signal.SIGINT) is other


def test_the_note_names_a_folder_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing was kept it says so."""
    interrupted_note(tmp_path)
    interrupted_note(tmp_path / "none")
    first, second = capsys.readouterr().err.strip().split("\n\n")
    assert str(tmp_path) in first
    assert second == "token-difr: stopped; nothing was asked"
