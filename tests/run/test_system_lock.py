"""Run directories are locked by what the system has, and systems without locks are told so when one is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from token_difr.errors import RunDirectoryError
from token_difr.run.files import lock, sync_directory, write_whole


class Windows:
    """What ``msvcrt`` has of locks: bytes that are locked belong to a descriptor until it is closed."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.held: set[int] = set()

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        """Locks; a byte that is locked already is a permission denied, as Windows has it."""
        assert (mode, count) == (self.LK_NBLCK, 1)
        file = os.fstat(descriptor).st_ino
        if file in self.held:
            raise PermissionError(13, "Permission denied")
        self.held.add(file)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """A Python without ``fcntl``, and with ``msvcrt``."""
    fake: Any = Windows()
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    return fake  # type: ignore[no-any-return]


@pytest.fixture(params=["posix", "windows"])
def system(request: pytest.FixtureRequest) -> str:
    """Either kind."""
    if request.param == "windows":
        request.getfixturevalue("windows")
    return str(request.param)


def test_one_holds_it(system: str, tmp_path: Path) -> None:
    """The second is told that another process works on the audit, on either system."""
    first = lock(tmp_path)
    with pytest.raises(RunDirectoryError, match="in use by another process"):
        lock(tmp_path)
    os.close(first)
    if system == "posix":
        os.close(lock(tmp_path))


def test_a_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock is no run directory, and the message says what works without one."""
    for name in ("fcntl", "msvcrt"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RunDirectoryError, match=r"fcntl or msvcrt.*score, compare, rollouts, serve"):
        lock(tmp_path)


def test_other_failures_name_the_file_system(tmp_path: Path, windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no lock of another's is told as what it is."""

    def refuse(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(windows, "locking", refuse)
    with pytest.raises(RunDirectoryError, match=r"cannot lock .*: Invalid argument; choose another file system"):
        lock(tmp_path)


def test_directories_are_not_opened_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is written whole there too, though its folder cannot be synced."""
    opened = os.open

    def no_directories(path: Any, *arguments: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    fake = SimpleNamespace(**{**vars(os), "name": "nt", "open": no_directories})
    monkeypatch.setattr("token_difr.run.files.os", fake)
    write_whole(tmp_path / "file", b"content")
    sync_directory(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"content"


def test_the_package_is_imported_without_locks() -> None:
    """All that a user imports, in a Python without ``fcntl``: what needs it says so when it is used."""
    code = (
        "import sys; sys.modules['fcntl'] = None; import token_difr, token_difr.run, token_difr.rollouts; "
        "token_difr.audit; token_difr.collect; token_difr.RunDirectory; token_difr.audit_provider"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
