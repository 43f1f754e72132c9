"""Scores that somebody else sent: what they state of themselves is bounded by what the file has."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from decided_runs import decided
from token_difr.run import RunDirectory
from token_difr.run.verifying import verify_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was judged."""
    return decided(tmp_path_factory.mktemp("scores") / "run", 0)


def header(shape: str) -> bytes:
    """A column of this shape, without its content."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode()


def zipped(data: bytes, kind: int) -> bytes:
    """A file of scores with one such column."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        archive.writestr("margin.npy", data)
        archive.writestr("source.npy", b"")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        zipped(header("(1000000000000000,)"), zipfile.ZIP_STORED),
        zipped(header("(100000000,)") + bytes(400), zipfile.ZIP_STORED),
        zipped(header("(25000000,)") + bytes(100_000_000), zipfile.ZIP_DEFLATED),
    ],
    ids=("empty", "cut off", "more than there is memory", "more than the file has", "packed"),
)
def test_what_states_more_than_it_has(made: Path, tmp_path: Path, content: bytes) -> None:
    """Is damaged: the rows are scored again, and nothing else happens."""
    run = Path(shutil.copytree(made, tmp_path / "run"))
    (run / "scores.npz").write_bytes(content)
    with RunDirectory.read(run) as directory:
        assert directory.stored_scores() is None
    assert {check.name: check.held for check in verify_run(run)}["scores"] is True
    assert np.load(made / "scores.npz")["margin"].size == 30 * 8
