"""Run directories in a folder."""

from __future__ import annotations

from pathlib import Path

from token_difr.errors import RunDirectoryError
from token_difr.run.manifest import is_run_directory

__all__ = ["runs_in"]

DEEPEST = 4
"""Folders between the one that is given and a run: a campaign has one for each provider and date."""


def runs_in(path: Path, *, alone: str) -> dict[str, Path]:
    """The run directory at ``path``, or all below it, by their paths from there with "/"; links are not followed.

    Args:
        path: A run directory or a folder.
        alone: The name of a run that is given itself.

    Raises:
        RunDirectoryError: There is none, or a folder cannot be read.
    """
    if is_run_directory(path):
        return {alone: path}
    try:
        found = {run.relative_to(path).as_posix(): run for run in _below(path, DEEPEST)}
    except OSError as error:
        raise RunDirectoryError(f"cannot read {error.filename}: {error.strerror}") from error
    if not found:
        raise RunDirectoryError(f"{path} is no run directory, and there is none in it")
    return found


def _below(folder: Path, levels: int) -> list[Path]:
    below = sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())
    return [
        run
        for each in below
        for run in ([each] if is_run_directory(each) else _below(each, levels - 1) if levels > 1 else [])
    ]
