"""Files that are written whole, or not at all, and the lock."""

from __future__ import annotations

import os
from pathlib import Path

from token_difr.errors import NO_SPACE, RunDirectoryError
from token_difr.run.layout import LOCK, MADE_FOR, MANIFEST, PROMPTS
from token_difr.run.system_lock import try_to_lock

__all__ = ["check_unused", "is_here", "lock", "make_directory", "sync_directory", "why_unwritten", "write_whole"]


def why_unwritten(error: OSError) -> str:
    """Why a file could not be written, and what becomes of the work."""
    reason = error.strerror or str(error)
    if error.errno not in NO_SPACE:
        return reason
    return f"no space left ({reason}); what was written before is kept: make space, and the same command goes on from there"


def is_here(path: str | os.PathLike[str]) -> bool:
    """Whether there is anything at ``path`` that can be looked at; somebody else's record may name any place, or none that can be."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def make_directory(path: Path) -> None:
    """Make ``path`` if it is missing.

    Raises:
        RunDirectoryError: It cannot be made, or holds files that are not a new run directory's.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A process that was killed while it made the directory leaves these.
        own = {LOCK, PROMPTS, *(unfinished(path / name).name for name in (PROMPTS, MANIFEST))}
        others = sorted({file.name for file in path.iterdir()} - own)
    except OSError as error:
        raise RunDirectoryError(f"cannot make the run directory {path}: {why_unwritten(error)}") from error
    if set(others) & MADE_FOR.keys():
        raise RunDirectoryError(f"{path} has lost its {MANIFEST}: token-difr repair {path} makes it anew")
    if others:
        raise RunDirectoryError(f"{path} is not a run directory, and holds {others[0]!r}: choose an empty or new one")


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: readers see the old content or the new, and after a crash one of them is there.

    Raises:
        RunDirectoryError: It cannot be written; what was there before stays.
    """
    new = unfinished(path)
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise RunDirectoryError(f"cannot write {path}: {why_unwritten(error)}") from error


def unfinished(path: Path) -> Path:
    """The file that becomes ``path`` once it is whole."""
    return path.with_name(f".{path.name}.unfinished")


def lock(directory: Path) -> int:
    """Lock ``directory`` for this process; returns the descriptor whose closing unlocks it.

    The lock is the system's: it ends with the process, however that ends.

    Raises:
        RunDirectoryError: Another process holds it, or file system or Python have no such lock.
    """
    path = directory / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RunDirectoryError(f"cannot write {path}: {why_unwritten(error)}") from error
    try:
        try_to_lock(descriptor)
    except BlockingIOError as error:
        os.close(descriptor)
        raise RunDirectoryError(f"{directory} is in use by another process that works on the same audit") from error
    except OSError as error:
        os.close(descriptor)
        raise RunDirectoryError(f"cannot lock {path}: {error.strerror}; choose another file system") from error
    except RunDirectoryError:
        os.close(descriptor)
        raise
    return descriptor


def check_unused(directory: Path) -> None:
    """Refuse a directory that another process, or another place of this one, works on; nothing is written.

    Raises:
        RunDirectoryError: It is in use.
    """
    try:
        descriptor = os.open(directory / LOCK, os.O_RDWR)
    except OSError:  # none, or not ours to write: who could work on it?
        return
    try:
        try_to_lock(descriptor)
    except BlockingIOError as error:
        raise RunDirectoryError(
            f"{directory} is in use by a process that works on it: wait until it is done"
        ) from error
    except OSError:  # a file system without locks, on which nobody can work
        return
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """Return once the names of the files in ``directory`` are on the disk; ``OSError`` if that fails.

    Windows opens no directories, and keeps names in a journal of its own.
    """
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
