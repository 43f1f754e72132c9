"""The scores of a run directory, with checksums of what they are and of what they were made from."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr._core import __version__
from token_difr.errors import InputError
from token_difr.records import Audit, Scored, Scores
from token_difr.run.files import write_whole
from token_difr.run.layout import SCORES

__all__ = ["DigestedScores", "digest_of", "read_scores", "source_of", "write_scores"]

logger = logging.getLogger(__name__)

DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    InputError,
    MemoryError,
)
"""What NumPy and zipfile raise at a file that is cut off or overwritten, or states shapes that nothing fills, and ``Scores`` at arrays that are none."""


class DigestedScores(NamedTuple):
    """Scores and their SHA-256 in hexadecimal."""

    scores: Scores
    digest: str


def source_of(audit: Audit, rows: Sequence[int]) -> str:
    """SHA-256 of all that scores depend on: parameters, sampler, the rows' checksums and who scores them."""
    made_from = {
        "params": asdict(audit.params),
        "scored": asdict(audit.scored or Scored()),
        "rows": list(rows),
        "token_difr": __version__,
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode("ascii")).hexdigest()


def digest_of(scores: Scores) -> str:
    """SHA-256 of the scores' arrays, by name."""
    digest = hashlib.sha256()
    for name, array in sorted(scores.to_arrays().items()):
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{name} {little.dtype.str} {little.shape} ".encode("ascii"))
        digest.update(little.tobytes())
    return digest.hexdigest()


def write_scores(path: Path, scores: Scores, source: str) -> DigestedScores:
    """Keep ``scores``, made from ``source``."""
    stored = DigestedScores(scores, digest_of(scores))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **scores.to_arrays(), source=np.array(source), sha256=np.array(stored.digest))
    write_whole(path / SCORES, buffer.getvalue())
    return stored


def read_scores(path: Path, source: str) -> DigestedScores | None:
    """The scores that were made from ``source``; None where others are kept, or none, or damaged ones.

    Nothing is lost with them: they are made anew from the rows, offline.
    """
    file = path / SCORES
    if not file.exists():
        return None
    try:
        arrays = _arrays(file)
        made_from, digest = str(arrays.pop("source")), str(arrays.pop("sha256"))
        scores = Scores.from_arrays(arrays)
        if digest != digest_of(scores):
            raise ValueError("its checksum is not that of its content")  # damaged like the others
    except DAMAGED as error:
        # Only the kind of error: NumPy's own words advise to load the file unsafely.
        logger.warning(
            "%s is damaged (%s), or of an older version: the rows are scored again", file, type(error).__name__
        )
        return None
    return DigestedScores(scores, digest) if made_from == source else None


def _arrays(file: Path) -> dict[str, npt.NDArray[Any]]:
    # From memory: at a damaged file NumPy leaves the one that it opened itself open.
    data = file.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > len(data):  # ours are not packed
            raise ValueError("it unpacks to more than it has")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)
