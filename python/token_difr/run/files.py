"""Files that are written whole, or not at all, and the lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from token_difr.errors import RunDirectoryError

__all__ = ["lock", "sync_directory", "write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: readers see the old content or the new, and after a crash one of them is there.

    Raises:
        RunDirectoryError: It cannot be written; what was there before stays.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise RunDirectoryError(f"cannot write {path}: {error.strerror or error}") from error


def lock(directory: Path) -> int:
    """Lock ``directory`` for this process; returns the descriptor whose closing unlocks it.

    The lock is the system's (``flock``): it ends with the process, however that ends.

    Raises:
        RunDirectoryError: Another process holds it, or the file system has no such lock.
    """
    path = directory / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise RunDirectoryError(f"cannot write {path}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise RunDirectoryError(f"{directory} is in use by another process that works on the same audit") from error
    except OSError as error:
        os.close(descriptor)
        raise RunDirectoryError(f"cannot lock {path}: {error.strerror}; choose another file system") from error
    return descriptor


def sync_directory(directory: Path) -> None:
    """Return once the names of the files in ``directory`` are on the disk; ``OSError`` if that fails."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
