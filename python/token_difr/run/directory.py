"""Opening, filling and reading a run directory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from token_difr.errors import RunDirectoryError
from token_difr.records import Asked, Audit, Conversation, Report, Response, Rule, Scores, TokenSequence, TopKBatch
from token_difr.run.asked_cuts import AskedCut, cut_from_record, cut_to_record
from token_difr.run.binding import going_on, made_for, settled
from token_difr.run.files import lock, make_directory
from token_difr.run.journal import Entry, Journal
from token_difr.run.layout import MADE_FOR, REPAIRS, RESPONSES, ROWS, SEQUENCES
from token_difr.run.manifest import Manifest, is_run_directory, now, read_manifest, write_manifest
from token_difr.run.pairing import prompt_digests
from token_difr.run.prompt_file import read_digests, read_prompts, write_prompts
from token_difr.run.report_file import read_report, write_report
from token_difr.run.rows import batch_from_record, batch_to_record
from token_difr.run.score_file import DigestedScores, read_scores, source_of, write_scores

__all__ = ["RunDirectory"]


class RunDirectory:
    """One audit on disk; see the package for its files. A context manager: leaving it closes files and lock.

    Made by :meth:`create` (new, or the same audit again), :meth:`resume` (to go on with) or :meth:`read` (to look at).

    Attributes:
        path: The directory.
        audit: Whose audit it is, and how.
        started: When the directory was made, in UTC, by ISO 8601; None if not known.
        rule: By which rule it was to be judged when the first answer was asked for; None if that was not stated.
        redacted: Whether the texts were taken out (:mod:`token_difr.run.redacting`): answers and prompts are empty then.
        prompts: Its conversations.
    """

    def __init__(
        self, path: Path, manifest: Manifest, prompts: list[Conversation], lock_descriptor: int | None
    ) -> None:
        self.path = path
        self.audit = manifest.audit
        self.started = manifest.started
        self.rule = manifest.rule
        self.redacted = redacted = manifest.redacted is not None
        self.prompts = prompts
        self._manifest = manifest
        self._lock = lock_descriptor
        self._responses = Journal(path / RESPONSES, Response.to_dict, Response.from_dict, redacted=redacted)
        self._sequences = Journal(path / SEQUENCES, TokenSequence.to_dict, TokenSequence.from_dict, redacted=redacted)
        self._rows = Journal(path / ROWS, batch_to_record, batch_from_record)
        self._cuts = Journal(path / REPAIRS, cut_to_record, cut_from_record)
        self._journals: tuple[Journal[Any], ...] = (self._responses, self._sequences, self._rows, self._cuts)
        self._batch: tuple[str, TopKBatch] | None = None
        self._stated: tuple[Audit, dict[str, dict[str, Any]]] | None = None

    @classmethod
    def create(
        cls, path: str | os.PathLike[str], prompts: Sequence[Conversation], audit: Audit, *, rule: Rule | None = None
    ) -> Self:
        """Make a run directory, or go on with the one at ``path`` if it belongs to the same audit.

        Args:
            path: The directory; made if missing. One with other files in it is refused.
            prompts: The audit's conversations.
            audit: What is known of the audit so far; the prompts are filled in here.
            rule: By which rule it is to be judged; it stands there from the first answer on. None = not stated.

        Raises:
            RunDirectoryError: It belongs to another audit, is in use, or holds something else. Nothing is written then.
        """
        path, stated = Path(path), audit.about(prompts)
        if is_run_directory(path):
            going_on(path, stated, rule)
        else:
            make_directory(path)
        descriptor = lock(path)
        try:
            manifest = Manifest(stated, now(), rule)
            if is_run_directory(path):  # looked at again: now nobody else writes it
                manifest = going_on(path, stated, rule)
            write_prompts(path, prompts, manifest.audit)
            write_manifest(path, manifest)  # after the prompts: without it there is no run directory
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, manifest, list(prompts), descriptor)

    @classmethod
    def resume(cls, path: str | os.PathLike[str], audit: Audit | None = None) -> Self:
        """Go on with an audit; what ``audit`` states beyond the manifest is added to it.

        Raises:
            RunDirectoryError: No run directory, damaged, in use, or of another audit: the message names what differs.
        """
        path, stated = Path(path), audit or Audit()
        going_on(path, stated)
        descriptor = lock(path)
        try:
            manifest = going_on(path, stated)  # again: now nobody else writes it
            prompts = read_prompts(path, manifest.audit)
            write_manifest(path, manifest)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, manifest, prompts, descriptor)

    @classmethod
    def read(cls, path: str | os.PathLike[str], audit: Audit | None = None) -> Self:
        """Open an audit to look at, without a lock; writing to it is an error.

        Raises:
            RunDirectoryError: No run directory, a damaged one, or one of another audit than ``audit`` states.
        """
        path = Path(path)
        stored = read_manifest(path)
        settled(path, stored.audit, audit or Audit())
        if stored.redacted is not None:
            return cls(path, stored, [[] for _ in read_digests(path, stored)], None)
        return cls(path, stored, read_prompts(path, stored.audit), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files and let go of the lock."""
        for journal in self._journals:
            journal.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def grow(self, prompts: Sequence[Conversation], asked: Asked | None = None) -> None:
        """Go on with more prompts than there are, of which the first are those that are here.

        Args:
            prompts: All of them.
            asked: How the provider is asked for all of them, where each has a seed of its own; None = as before.
        """
        self._check_writable()
        if list(prompts[: len(self.prompts)]) != self.prompts:
            raise RunDirectoryError(f"{self.path} grows by further prompts alone: its own come first")
        stated = replace(self.audit, asked=asked or self.audit.asked).about(prompts)
        write_prompts(self.path, prompts, stated)
        self._manifest = self._manifest._replace(audit=stated)
        write_manifest(self.path, self._manifest)  # after the prompts: a file ahead of it is written anew
        self.audit, self.prompts = stated, list(prompts)

    @property
    def writable(self) -> bool:
        """Whether this was opened to be worked on, and is not closed."""
        return self._lock is not None

    @property
    def prompt_digests(self) -> tuple[str, ...]:
        """SHA-256 of each conversation, in hexadecimal; see :mod:`token_difr.run.pairing`."""
        if self.redacted:
            return read_digests(self.path, self._manifest)
        return prompt_digests(self.prompts)

    def responses(self) -> dict[int, Response]:
        """The answers that have arrived, by index of their prompt."""
        return {index: entry.value for index, entry in self._response_entries().items()}

    def sequences(self) -> dict[int, TokenSequence]:
        """The token sequences of these answers, by index."""
        return {index: entry.value for index, entry in self._sequence_entries().items()}

    def rows(self) -> dict[int, TopKBatch]:
        """The reference's rows for these sequences, a batch of one sequence each, by index."""
        return {index: entry.value for index, entry in self._row_entries().items()}

    def asked_cuts(self) -> dict[tuple[int, tuple[int, ...]], TopKBatch]:
        """The reference's rows for other cuts of these answers, by index and output token ids."""
        current = self._response_entries()
        entries = self._cuts.entries.values()
        cuts = [entry.value for entry in entries if entry.is_from(current.get(entry.value.sequence))]
        return {(cut.sequence, cut.tokens): cut.rows for cut in cuts}

    def damaged(self) -> dict[str, int]:
        """How many lines of each journal are left out, since they are damaged or were cut off."""
        return {journal.name: journal.damaged for journal in self._journals}

    def keep_response(self, response: Response) -> None:
        """Append an answer."""
        self._check_writable()
        self._responses.append([(response.index, response, None)], made_for=self._made_for(RESPONSES))

    def keep_sequences(self, sequences: Mapping[int, TokenSequence]) -> None:
        """Append the token sequences of answers that are here, by index."""
        self._check_writable()
        sources = self._response_entries()
        made = [(index, value, sources[index].checksum) for index, value in sequences.items()]
        self._sequences.append(made, made_for=self._made_for(SEQUENCES))

    def keep_rows(self, index: int, rows: TopKBatch) -> None:
        """Append the reference's rows for the sequence ``index``: a batch of that one sequence."""
        self._check_writable()
        made = [(index, rows, self._sequences.entries[index].checksum)]
        self._rows.append(made, made_for=self._made_for(ROWS))

    def keep_cut(self, index: int, tokens: tuple[int, ...], rows: TopKBatch) -> None:
        """Append the reference's rows for another cut of the answer ``index``."""
        self._check_writable()
        place = max(self._cuts.entries, default=-1) + 1
        made = [(place, AskedCut(index, tokens, rows), self._response_entries()[index].checksum)]
        self._cuts.append(made, made_for=self._made_for(ROWS))

    def batch(self) -> TopKBatch:
        """All rows as one batch, a sequence a prompt, in order.

        Raises:
            RunDirectoryError: Rows of some prompts are missing; names how many, and the stage to run.
        """
        source = self.score_source()
        if self._batch is None or self._batch[0] != source:
            rows = self.rows()
            self._batch = source, TopKBatch.concatenate([rows[index] for index in range(len(self.prompts))])
        return self._batch[1]

    def score_source(self, *, replay: bool = True) -> str:
        """A checksum of everything that the scores depend on.

        Args:
            replay: False = of scores as if the sampler were not known.

        Raises:
            RunDirectoryError: As :meth:`batch`.
        """
        entries = self._row_entries()
        missing = len(self.prompts) - len(entries)
        if missing:
            raise RunDirectoryError(
                f"{self.path} lacks the reference's rows of {missing} of {len(self.prompts)} prompts: finish the audit"
            )
        audit = self.audit if replay else replace(self.audit, scored=None)
        return source_of(audit, [entries[index].checksum for index in range(len(self.prompts))])

    def stored_scores(self, *, replay: bool = True) -> DigestedScores | None:
        """The scores that are kept here; None where there are none of the rows and the sampler that are here now.

        Args:
            replay: False = those that were made as if the sampler were not known.

        Raises:
            RunDirectoryError: As :meth:`batch`.
        """
        return read_scores(self.path, self.score_source(replay=replay))

    def keep_scores(self, scores: Scores) -> DigestedScores:
        """Keep the scores of the rows that are here, in place of older ones."""
        self._check_writable()
        return write_scores(self.path, scores, self.score_source())

    def report(self) -> Report | None:
        """The report that is kept here; None where there is none on the scores that are here now.

        Raises:
            RunDirectoryError: It was edited or damaged; or as :meth:`batch`.
        """
        stored = self.stored_scores()
        return self.report_on(None if stored is None else stored.digest)

    def report_on(self, digest: str | None) -> Report | None:
        """The report that is kept here, if it is on the scores with this SHA-256; None where there is none on them.

        Raises:
            RunDirectoryError: It was edited or damaged.
        """
        report = read_report(self.path)
        return report if report is not None and report.provenance.scores == digest else None

    def keep_report(self, report: Report) -> None:
        """Keep the report on the scores that are here, in place of an older one."""
        self._check_writable()
        write_report(self.path, report)

    def _made_for(self, file: str) -> dict[str, Any]:
        """The parts of the audit's record that a file is made for."""
        if self._stated is None or self._stated[0] is not self.audit:  # asked for each answer, and of many parts
            self._stated = self.audit, {each: made_for(each, self.audit) for each in MADE_FOR}
        return self._stated[1][file]

    def _response_entries(self) -> dict[int, Entry[Response]]:
        return {index: entry for index, entry in self._responses.entries.items() if index < len(self.prompts)}

    def _sequence_entries(self) -> dict[int, Entry[TokenSequence]]:
        current = self._response_entries()
        return {i: entry for i, entry in self._sequences.entries.items() if entry.is_from(current.get(i))}

    def _row_entries(self) -> dict[int, Entry[TopKBatch]]:
        current = self._sequence_entries()
        return {i: entry for i, entry in self._rows.entries.items() if entry.is_from(current.get(i))}

    def _check_writable(self) -> None:
        if not self.writable:
            raise RunDirectoryError(f"{self.path} is open for reading only")
