"""An append-only file of checksummed JSON lines, one record an index.

A line ``{"made_for": {...}, "crc32": ...}`` says for which parts of the audit's record the records below it were made. It
stands first, and again wherever that changes; files of format 1 have none.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from token_difr.errors import RunDirectoryError
from token_difr.run.files import sync_directory, why_unwritten

__all__ = ["CHECKSUM", "REDACTED", "Entry", "Journal", "canonical", "from_line", "to_line"]

CHECKSUM = "crc32"
REDACTED = "redacted"
"""What stands in a record for the text that was taken out: its checksum, and SHA-256 of it, as they were."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """A value and where it stands in the chain of records.

    Attributes:
        value: The record's content.
        checksum: CRC-32 of the record; where its text was taken out, of the record as it was.
        source: Checksum of the record that this one was made from; None at the start of the chain.
    """

    value: T
    checksum: int
    source: int | None

    def is_from(self, other: Entry[Any] | None) -> bool:
        """Whether this record was made from ``other``."""
        return other is not None and self.source == other.checksum


class Journal(Generic[T]):
    """The records of one stage, by index, in memory and in one file.

    Args:
        path: The file; it need not exist.
        encode: A value as JSON values by name (not "source", "crc32").
        decode: The inverse, given "index" too; ``ValueError``, ``KeyError`` or ``TypeError`` = damaged.
        redacted: Whether the text was taken out of every record (:mod:`token_difr.run.redacting`).
    """

    def __init__(
        self,
        path: Path,
        encode: Callable[[T], dict[str, Any]],
        decode: Callable[[dict[str, Any]], T],
        *,
        redacted: bool = False,
    ) -> None:
        self._path = path
        self._redacted = redacted
        self._encode = encode
        self._decode = decode
        self._entries: dict[int, Entry[T]] | None = None
        self._made_for: dict[str, Any] | None = None
        self._whole_lines_end = 0
        self._damaged = 0
        self._descriptor: int | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def entries(self) -> dict[int, Entry[T]]:
        """The valid records by index; read from the file at the first use."""
        if self._entries is None:
            self._entries = self._read()
        return self._entries

    @property
    def made_for(self) -> dict[str, Any] | None:
        """For what the last records were made; None where the file does not say."""
        _ = self.entries
        return self._made_for

    @property
    def damaged(self) -> int:
        """How many lines of the file are left out, since they are damaged or were cut off."""
        _ = self.entries
        return self._damaged

    def append(self, records: Iterable[tuple[int, T, int | None]], *, made_for: dict[str, Any]) -> None:
        """Append (index, value, source) records in one write, and return once they are on the disk.

        Args:
            records: What to append.
            made_for: The parts of the audit's record that they depend on, as JSON values.

        Raises:
            RunDirectoryError: The file cannot be written (no space, no permission); nothing of it stays.
        """
        entries = self.entries  # read first: it tells where the file's whole lines end
        lines = [] if made_for == self._made_for else [to_line({"made_for": made_for})[0]]
        arrived = {}
        for index, value, source in records:
            line, checksum = to_line({**self._encode(value), "index": index, "source": source})
            lines.append(line)
            arrived[index] = Entry(value, checksum, source)
        if arrived:
            self._write(b"".join(lines))
            self._made_for = made_for
        entries.update(arrived)

    def close(self) -> None:
        """Close the file; a later append opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, data: bytes) -> None:
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                os.ftruncate(self._descriptor, self._whole_lines_end)
                sync_directory(self._path.parent)  # the file may be new
            try:
                written = os.write(self._descriptor, data)
                if written != len(data):  # a disk that is full takes what fits
                    raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes could be written")  # noqa: TRY301
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, self._whole_lines_end)
                raise
        except OSError as error:
            raise RunDirectoryError(f"cannot write {self._path}: {why_unwritten(error)}") from error
        self._whole_lines_end += len(data)

    def _read(self) -> dict[int, Entry[T]]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RunDirectoryError(f"cannot read {self._path}: {error.strerror}") from error
        self._whole_lines_end = data.rfind(b"\n") + 1
        if self._whole_lines_end != len(data):
            logger.warning("%s: the last line was cut off when a run was stopped; it is left out", self._path)
        entries: dict[int, Entry[T]] = {}
        damaged = []
        for number, line in enumerate(data[: self._whole_lines_end].splitlines(), start=1):
            try:
                self._take(line, entries)
            except (ValueError, KeyError, TypeError, RecursionError):
                damaged.append(number)
        self._damaged = len(damaged) + (self._whole_lines_end != len(data))
        if damaged:
            logger.warning(
                "%s: %d damaged line(s), the first at line %d, are left out; what they held is asked for again",
                self._path,
                len(damaged),
                damaged[0],
            )
        return entries

    def _take(self, line: bytes, entries: dict[int, Entry[T]]) -> None:
        """Put what a line holds where it belongs; raises what :meth:`_read` takes for damage."""
        record, checksum = from_line(line)
        if "made_for" in record:
            self._made_for = dict(record["made_for"])
            return
        if (REDACTED in record) != self._redacted:
            raise ValueError("text where none belongs, or none where it does")
        if self._redacted:
            checksum = record.pop(REDACTED)[CHECKSUM]
        index, source = record["index"], record.pop("source")
        if not isinstance(index, int) or index < 0:
            raise ValueError("no index")
        entries[index] = Entry(self._decode(record), checksum, source)


def from_line(line: bytes) -> tuple[dict[str, Any], int]:
    """The record of a line without its checksum, and that.

    Raises:
        ValueError, KeyError, TypeError, RecursionError: It is damaged.
    """
    record = json.loads(line)
    if not isinstance(record, dict):
        raise TypeError("not a JSON object")
    checksum = record.pop(CHECKSUM)
    if checksum != _checksum(record):
        raise ValueError("wrong checksum")
    return record, checksum


def to_line(record: dict[str, Any]) -> tuple[bytes, int]:
    """The line of a record, and its checksum, CRC-32 of its canonical JSON."""
    checksum = _checksum(record)
    return canonical({**record, CHECKSUM: checksum}) + b"\n", checksum


def _checksum(record: dict[str, Any]) -> int:
    return zlib.crc32(canonical(record))


def canonical(record: dict[str, Any]) -> bytes:
    """A record as JSON without spaces, its keys sorted."""
    # ASCII, so that lone surrogates in an answer survive as escapes.
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
