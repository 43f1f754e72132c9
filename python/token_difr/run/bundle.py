"""Runs in one file to send: a zip archive that is the same for the same runs, and is read as the untrusted thing that it is.

It holds the files of run directories and ``bundle.json``, with a SHA-256 of each of them; no locks, and no other file that lay there.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from token_difr.errors import InputError, RunDirectoryError
from token_difr.run.contents import FILES, contents
from token_difr.run.files import unfinished, why_unwritten
from token_difr.run.finding_runs import runs_in
from token_difr.run.manifest import sealed, to_json, unsealed
from token_difr.run.redacting import redacted_contents
from token_difr.untrusted import check_sizes, is_plain_path, printable, unpack_zip

__all__ = ["opened_bundle", "write_bundle"]

INDEX = "bundle.json"
FORMAT = 1
LONE, BASELINE = "run", "baseline"
"""What a run that was given alone is called in a bundle, and the one that it was compared with."""

TIME = (1980, 1, 1, 0, 0, 0)
"""The first that zip can tell: of every file, so that the same runs give the same bytes."""

Contents = Callable[[Path], Iterator[tuple[str, bytes]]]


def write_bundle(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    redact: bool = False,
    baseline: str | os.PathLike[str] | None = None,
) -> tuple[str, ...]:
    """Pack a run, or all runs below a folder.

    Args:
        path: A run directory, or a folder of them, such as a campaign's.
        out: The file to make; there must be none.
        redact: Without their texts, see :mod:`token_difr.run.redacting`.
        baseline: The run that they were compared with, to be packed with them.

    Returns:
        What the runs are called in it.

    Raises:
        RunDirectoryError: There is no run, one is damaged or in use or has a name that is not the same everywhere, they are too
            large for a bundle, or the file cannot be made.
    """
    runs, out = _named(Path(path), baseline), Path(out)
    inside = [run for run in runs.values() if out.resolve().is_relative_to(run.resolve())]
    if inside or os.path.lexists(out):
        raise RunDirectoryError(
            f"{out} is there already, or lies in {inside[0] if inside else 'its own place'}: choose a new file"
        )
    new = unfinished(out)
    try:
        descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                sizes = _pack(runs, file, redacted_contents if redact else contents)
                check_sizes(sizes, file.tell())
                file.flush()
                os.fsync(file.fileno())
            new.replace(out)
        finally:
            new.unlink(missing_ok=True)
    except (ValueError, zipfile.LargeZipFile) as error:
        if isinstance(error, RunDirectoryError):
            raise
        raise RunDirectoryError(f"{path} is too large for one bundle: {error}; pack fewer runs at a time") from error
    except OSError as error:
        raise RunDirectoryError(f"cannot write {out}: {why_unwritten(error)}") from error
    return tuple(runs)


@contextmanager
def opened_bundle(path: str | os.PathLike[str]) -> Iterator[dict[str, Path]]:
    """The runs of a bundle, by what they are called there, unpacked to a place of their own until the block ends.

    Raises:
        InputError: It is no bundle, is damaged or is larger than bundles may be; says why.
    """
    with TemporaryDirectory(prefix="token-difr-") as folder:
        into = Path(folder)
        try:
            names = unpack_zip(Path(path), into, _may_hold)
            _check_index(into, names)
        except OSError as error:
            raise InputError(f"cannot read the bundle {path}: {why_unwritten(error)}") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path} is no bundle, or is damaged: {printable(str(error), longest=300)}") from error
        runs = sorted({name.rpartition("/")[0] for name in names} - {""})
        yield {name: into / name for name in runs}


def _named(path: Path, baseline: str | os.PathLike[str] | None) -> dict[str, Path]:
    """The runs to pack, by name."""
    runs = runs_in(path, alone=LONE)
    if baseline is not None and Path(baseline).resolve() not in {run.resolve() for run in runs.values()}:
        if BASELINE in runs:
            raise RunDirectoryError(
                f"{runs[BASELINE]} has the name that {baseline} would have in the bundle: rename it"
            )
        runs[BASELINE] = Path(baseline)
    strange = next((name for name in runs if not is_plain_path(f"{name}/{max(FILES, key=len)}")), None)
    if strange is not None:
        raise RunDirectoryError(
            f"{runs[strange]} has a name that is not the same on every system, or is too long: rename it"
        )
    return dict(sorted(runs.items()))


def _pack(runs: Mapping[str, Path], file: Any, contents_of: Contents) -> list[int]:
    """Write the archive; returns the sizes of its members."""
    index, sizes = {}, []
    with zipfile.ZipFile(file, "w", allowZip64=False) as archive:
        for name, path in runs.items():
            for entry, data in sorted(contents_of(path)):
                index[f"{name}/{entry}"] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                archive.writestr(_member(f"{name}/{entry}"), data, zipfile.ZIP_DEFLATED, 6)
                sizes.append(len(data))
        data = to_json(sealed({"format": FORMAT, "files": index}))
        archive.writestr(_member(INDEX), data, zipfile.ZIP_DEFLATED, 6)
    return [*sizes, len(data)]


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, TIME)
    member.create_system = 3  # Unix, wherever it is written
    member.external_attr = 0o100600 << 16
    return member


def _may_hold(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return name == INDEX or (bool(folder) and file in FILES)


def _check_index(folder: Path, names: list[str]) -> None:
    """Whether the files are those of the index, each with its checksum; raises what damage raises."""
    if INDEX not in names:
        raise ValueError(f"it has no {INDEX}")
    index = unsealed(json.loads((folder / INDEX).read_bytes()))
    if index["format"] != FORMAT:
        raise ValueError(f"it has format {index['format']!r}, and this version reads {FORMAT}")
    listed = index["files"]
    if listed.keys() != set(names) - {INDEX}:
        raise ValueError(f"it holds other files than its {INDEX} lists")
    for name, told in listed.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != told["sha256"]:
                raise ValueError(f"{name} is not what its {INDEX} says")
