"""The system's lock on an open file, which ends with the process that holds it, however that ends.

POSIX has ``flock``, on the whole file. Windows has ``locking``, on bytes of it: the first one, whether or not it is there.
Where a Python has neither, no run directory can be kept safe, and that is said when one is opened; all else works.
"""

from __future__ import annotations

import importlib
from typing import Any

from token_difr.errors import RunDirectoryError

__all__ = ["try_to_lock"]


def try_to_lock(descriptor: int) -> None:
    """Lock an open file for this process, without waiting.

    Args:
        descriptor: The file's; closing it unlocks.

    Raises:
        BlockingIOError: Another process holds the lock.
        OSError: The file system has no locks.
        RunDirectoryError: Nor has this Python.
    """
    fcntl = _module("fcntl")
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    msvcrt = _module("msvcrt")
    if msvcrt is None:
        raise RunDirectoryError(
            "run directories need the lock of Linux, macOS or Windows (the module fcntl or msvcrt), and this Python has "
            "none; what needs no run directory works: score, compare, rollouts, serve"
        )
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:  # Windows' word for a byte that somebody else has locked
        raise BlockingIOError(error.errno, error.strerror) from error


def _module(name: str) -> Any:
    # By name, and late: a type checker knows the modules of its own system alone, and importing this must never fail.
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
