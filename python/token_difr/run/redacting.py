"""A run without its texts, as evidence that can be sent: token ids, rows, scores, counts and checksums.

Lines of answers and token sequences keep, beside what stays, the checksum that they had and a SHA-256 of what they were. So the chain
of checksums holds as it did: rows and scores are those of the run, to the byte, and are scored anew like them. Whoever has the run can
tell that each line stands for theirs.

What stays can be read as far as token ids can: who has the tokenizer decodes the answers. The prompts' ids are taken out. A digest of
a short text can be found by trying: whoever guesses a prompt can tell that it was asked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit
from token_difr.run.contents import contents
from token_difr.run.directory import RunDirectory
from token_difr.run.files import make_directory, write_whole
from token_difr.run.journal import CHECKSUM, REDACTED, canonical, from_line, to_line
from token_difr.run.layout import MANIFEST, PROMPTS, REPORT, RESPONSES, SEQUENCES
from token_difr.run.manifest import manifest_to_bytes, read_manifest
from token_difr.run.prompt_file import digests_to_bytes
from token_difr.run.redaction import redacted_audit, redacted_report, redacted_response, redacted_sequence
from token_difr.run.report_file import read_report, report_to_bytes

__all__ = ["redact_run", "redacted_contents"]

DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a damaged line raises."""


def redact_run(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Write a run without its texts to a directory of its own; the run itself stays as it is.

    Args:
        path: The run directory.
        out: The directory to make; an empty one may be there.

    Raises:
        RunDirectoryError: No run directory, a damaged one or one in use; or ``out`` lies in it, holds files or cannot be written.
    """
    path, out = Path(path), Path(out)
    if out.resolve().is_relative_to(path.resolve()):
        raise RunDirectoryError(f"{out} lies in the run itself: choose a place outside of it")
    read_manifest(path)
    make_directory(out)
    for name, data in redacted_contents(path):
        write_whole(out / name, data)


def redacted_contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of a run, as they are without its texts; a run that has none is taken as it is.

    Raises:
        RunDirectoryError: As :func:`~token_difr.run.contents.contents`, or its prompts or its report are damaged.
    """
    manifest = read_manifest(path)
    if manifest.redacted is not None:
        yield from contents(path)
        return
    with RunDirectory.read(path) as run:
        prompts = digests_to_bytes(run.prompt_digests)
    for name, data in contents(path):
        if name == PROMPTS:
            yield name, prompts
        elif name == MANIFEST:
            seal = hashlib.sha256(prompts).hexdigest()
            yield name, manifest_to_bytes(manifest._replace(audit=redacted_audit(manifest.audit), redacted=seal))
        elif name == REPORT:
            report = read_report(path)
            if report is not None:
                yield name, report_to_bytes(redacted_report(report))
        else:
            yield name, _without_text(name, data)


def _without_text(name: str, data: bytes) -> bytes:
    """A file whose lines are records; rows and scores hold no text."""
    changes = {RESPONSES: redacted_response, SEQUENCES: redacted_sequence}
    return b"".join(_lines(data, changes[name])) if name in changes else data


def _lines(data: bytes, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Iterator[bytes]:
    """Every whole line without its text. A damaged one is left out: it counts as missing, and may hold any text."""
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        try:
            record, checksum = from_line(line)
            yield _made_for(record) if "made_for" in record else _line(record, checksum, change(record))
        except DAMAGE:
            continue


def _line(record: Mapping[str, Any], checksum: int, kept: dict[str, Any]) -> bytes:
    was = {CHECKSUM: checksum, "sha256": hashlib.sha256(canonical(dict(record))).hexdigest()}
    source = record["source"]
    return to_line({**kept, "source": None if source is None else int(source), REDACTED: was})[0]


def _made_for(record: Mapping[str, Any]) -> bytes:
    """A line that says what the records below it were made for."""
    parts = redacted_audit(Audit.from_dict(record["made_for"])).to_dict()
    return to_line({"made_for": json.loads(json.dumps(parts))})[0]
