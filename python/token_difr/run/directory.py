"""Opening, filling and reading a run directory."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from token_difr.errors import RunDirectoryError
from token_difr.records import Conversation, Response, TokenSequence, TopKBatch
from token_difr.records.audit import AuditIdentity
from token_difr.run.files import lock, write_whole
from token_difr.run.journal import Entry, Journal
from token_difr.run.manifest import (
    is_run_directory,
    make_directory,
    read_identity,
    read_json,
    read_prompts,
    settled,
    to_json,
    write_identity,
    write_prompts,
)
from token_difr.run.rows import batch_from_record, batch_to_record

__all__ = ["RunDirectory"]

SCORES = "scores.npz"
VERDICT = "verdict.json"

DAMAGED_ARCHIVE = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise at a file that is cut off or overwritten."""


class RunDirectory:
    """One audit on disk; see the package for its files. A context manager: leaving it closes files and lock.

    Made by :meth:`create` (new, or the same audit again), :meth:`resume` (to go on with) or :meth:`read` (to look at).

    Attributes:
        path: The directory.
        identity: Whose audit it is.
        prompts: Its conversations.
    """

    def __init__(
        self, path: Path, identity: AuditIdentity, prompts: list[Conversation], lock_descriptor: int | None
    ) -> None:
        self.path = path
        self.identity = identity
        self.prompts = prompts
        self._lock = lock_descriptor
        self._responses = Journal(path / "responses.jsonl", Response.to_dict, Response.from_dict)
        self._sequences = Journal(path / "sequences.jsonl", TokenSequence.to_dict, TokenSequence.from_dict)
        self._rows = Journal(path / "rows.jsonl", batch_to_record, batch_from_record)

    @classmethod
    def create(cls, path: str | os.PathLike[str], prompts: Sequence[Conversation], identity: AuditIdentity) -> Self:
        """Make a run directory, or go on with the one at ``path`` if it belongs to the same audit.

        Args:
            path: The directory; made if missing. One with other files in it is refused.
            prompts: The audit's conversations.
            identity: What is known of the audit so far; the prompts are filled in here.

        Raises:
            RunDirectoryError: It belongs to another audit, is in use, or holds something else. Nothing is written then.
        """
        path, stated = Path(path), identity.with_prompts(prompts)
        if is_run_directory(path):
            settled(path, stated)
        else:
            make_directory(path)
        descriptor = lock(path)
        try:
            identity = settled(path, stated) if is_run_directory(path) else stated
            write_prompts(path, prompts, identity)
            write_identity(path, identity)  # after the prompts: without it there is no run directory
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, identity, list(prompts), descriptor)

    @classmethod
    def resume(cls, path: str | os.PathLike[str], identity: AuditIdentity | None = None) -> Self:
        """Go on with an audit; what ``identity`` states beyond the manifest is added to it.

        Raises:
            RunDirectoryError: No run directory, damaged, in use, or of another audit: the message names what differs.
        """
        path, stated = Path(path), identity or AuditIdentity()
        settled(path, stated)
        descriptor = lock(path)
        try:
            identity = settled(path, stated)  # again: now nobody else writes it
            prompts = read_prompts(path, identity)
            write_identity(path, identity)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, identity, prompts, descriptor)

    @classmethod
    def read(cls, path: str | os.PathLike[str], identity: AuditIdentity | None = None) -> Self:
        """Open an audit to look at, without a lock; writing to it is an error.

        Raises:
            RunDirectoryError: No run directory, a damaged one, or one of another audit than ``identity`` states.
        """
        path = Path(path)
        settled(path, identity or AuditIdentity())
        stored = read_identity(path)
        return cls(path, stored, read_prompts(path, stored), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files and let go of the lock."""
        for journal in (self._responses, self._sequences, self._rows):
            journal.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def writable(self) -> bool:
        """Whether this was opened to be worked on, and is not closed."""
        return self._lock is not None

    def responses(self) -> dict[int, Response]:
        """The answers that have arrived, by index of their prompt."""
        return {index: entry.value for index, entry in self._response_entries().items()}

    def sequences(self) -> dict[int, TokenSequence]:
        """The token sequences of these answers, by index."""
        return {index: entry.value for index, entry in self._sequence_entries().items()}

    def rows(self) -> dict[int, TopKBatch]:
        """The reference's rows for these sequences, a batch of one sequence each, by index."""
        current = self._sequence_entries()
        return {i: entry.value for i, entry in self._rows.entries.items() if _made_from(entry, current.get(i))}

    def keep_response(self, response: Response) -> None:
        """Append an answer."""
        self._check_writable()
        self._responses.append([(response.index, response, None)])

    def keep_sequences(self, sequences: Mapping[int, TokenSequence]) -> None:
        """Append the token sequences of answers that are here, by index."""
        self._check_writable()
        sources = self._response_entries()
        self._sequences.append([(index, value, sources[index].checksum) for index, value in sequences.items()])

    def keep_rows(self, index: int, rows: TopKBatch) -> None:
        """Append the reference's rows for the sequence ``index``: a batch of that one sequence."""
        self._check_writable()
        self._rows.append([(index, rows, self._sequences.entries[index].checksum)])

    def batch(self) -> TopKBatch:
        """All rows as one batch, a sequence a prompt, in order.

        Raises:
            RunDirectoryError: Rows of some prompts are missing; names how many, and the stage to run.
        """
        rows = self.rows()
        missing = len(self.prompts) - len(rows)
        if missing:
            raise RunDirectoryError(
                f"{self.path} lacks the reference's rows of {missing} of {len(self.prompts)} prompts: finish the audit"
            )
        return TopKBatch.concatenate([rows[index] for index in range(len(self.prompts))])

    def write_scores(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Store the arrays of the scores by name, in place of older ones."""
        self._check_writable()
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        write_whole(self.path / SCORES, buffer.getvalue())

    def read_scores(self) -> dict[str, npt.NDArray[Any]] | None:
        """The stored arrays by name; None before the first :meth:`write_scores`."""
        if not (self.path / SCORES).exists():
            return None
        try:
            # From memory: at a damaged file NumPy leaves the one that it opened itself open.
            with np.load(io.BytesIO((self.path / SCORES).read_bytes()), allow_pickle=False) as arrays:
                return dict(arrays)
        except DAMAGED_ARCHIVE as error:
            raise RunDirectoryError(f"{self.path / SCORES} is damaged; score the run again: {error}") from error

    def write_verdict(self, report: Mapping[str, Any]) -> None:
        """Store the report, strict JSON, in place of an older one."""
        self._check_writable()
        write_whole(self.path / VERDICT, to_json(report))

    def read_verdict(self) -> dict[str, Any] | None:
        """The stored report; None before the first :meth:`write_verdict`."""
        return read_json(self.path / VERDICT) if (self.path / VERDICT).exists() else None

    def _response_entries(self) -> dict[int, Entry[Response]]:
        return {index: entry for index, entry in self._responses.entries.items() if index < len(self.prompts)}

    def _sequence_entries(self) -> dict[int, Entry[TokenSequence]]:
        current = self._response_entries()
        return {i: entry for i, entry in self._sequences.entries.items() if _made_from(entry, current.get(i))}

    def _check_writable(self) -> None:
        if not self.writable:
            raise RunDirectoryError(f"{self.path} is open for reading only")


def _made_from(entry: Entry[Any], source: Entry[Any] | None) -> bool:
    return source is not None and entry.source == source.checksum
