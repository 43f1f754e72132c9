"""Removing a run directory, and nothing else: what is not wholly a run's is left as it is."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit
from token_difr.run.contents import FILES
from token_difr.run.files import check_unused, lock, unfinished
from token_difr.run.layout import LOCK, MANIFEST
from token_difr.run.manifest import read_manifest

__all__ = ["Removable", "removable", "remove_run"]

OLDER = "verdict.json"
"""What a run of format 1 has beside the files of today."""


class Removable(NamedTuple):
    """A run directory that can be removed.

    Attributes:
        path: The directory.
        audit: Whose audit it is.
        started: When it was made, in UTC, by ISO 8601; None if not known.
        files: The names of its files.
        bytes: How many they have together.
    """

    path: Path
    audit: Audit
    started: str | None
    files: tuple[str, ...]
    bytes: int


def removable(path: str | os.PathLike[str]) -> Removable:
    """What would be removed; nothing is.

    Raises:
        RunDirectoryError: It is a link, no run directory, a damaged one or one in use, or holds anything that is not a run's.
    """
    path = Path(path)
    if path.is_symlink():
        raise RunDirectoryError(f"{path} is a link: give the run directory that it leads to")
    manifest = read_manifest(path)
    check_unused(path)
    own = {*FILES, LOCK, OLDER, *(unfinished(path / name).name for name in FILES)}
    sizes = dict[str, int]()
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name not in own or not entry.is_file(follow_symlinks=False):
                    what = "is a link or a folder" if entry.name in own else "is no file of a run"
                    raise RunDirectoryError(f"{path} is left as it is: {entry.name!r} in it {what}; take it out first")
                sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        raise RunDirectoryError(f"cannot read {path}: {error.strerror}") from error
    return Removable(path, manifest.audit, manifest.started, tuple(sorted(sizes)), sum(sizes.values()))


def remove_run(path: str | os.PathLike[str]) -> Removable:
    """Remove a run directory; returns what it was. One that breaks off half way is still a run directory, and can be removed.

    Raises:
        RunDirectoryError: As :func:`removable`, or it cannot be removed.
    """
    doomed = removable(path)
    descriptor = lock(doomed.path)
    try:
        for name in sorted({*doomed.files} - {LOCK}, key=lambda name: (name == MANIFEST, name)):
            (doomed.path / name).unlink()
        with contextlib.suppress(PermissionError):  # Windows keeps a file that is open
            (doomed.path / LOCK).unlink()
    except OSError as error:
        raise RunDirectoryError(f"cannot remove {error.filename}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    try:
        (doomed.path / LOCK).unlink(missing_ok=True)
        doomed.path.rmdir()
    except OSError as error:
        raise RunDirectoryError(f"cannot remove {error.filename}: {error.strerror}") from error
    return doomed
