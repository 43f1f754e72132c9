"""The files of a run directory as they are read to be copied: by name, whole, and none through a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from token_difr.errors import RunDirectoryError
from token_difr.run.files import check_unused
from token_difr.run.layout import MANIFEST, PROMPTS, REPAIRS, REPORT, RESPONSES, ROWS, SCORES, SEQUENCES
from token_difr.run.manifest import read_manifest

__all__ = ["FILES", "contents"]

FILES = (PROMPTS, RESPONSES, SEQUENCES, ROWS, REPAIRS, SCORES, REPORT, MANIFEST)
"""What a run holds beside its lock. The manifest comes last: a copy that breaks off before is no run directory."""


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a run that nobody works on.

    Raises:
        RunDirectoryError: No run directory, a damaged one, one in use, or a file that is a link or cannot be read.
    """
    read_manifest(path)
    check_unused(path)
    for name in FILES:
        file = path / name
        if file.is_symlink():
            raise RunDirectoryError(
                f"{file} is a link: what it leads to is no part of the run; put the file itself there"
            )
        if file.exists():
            yield name, _read(file)


def _read(file: Path) -> bytes:
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise RunDirectoryError(f"cannot read {file}: {error.strerror}") from error
