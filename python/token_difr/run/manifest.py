"""The manifest of a run directory: whose audit it is, since when, by which rule it is to be judged, and a checksum over all."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from token_difr._core import __version__
from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, Rule
from token_difr.run.files import write_whole
from token_difr.run.format_1 import audit_of_format_1
from token_difr.run.layout import MADE_FOR, MANIFEST

__all__ = [
    "Manifest",
    "is_run_directory",
    "manifest_to_bytes",
    "now",
    "read_manifest",
    "sealed",
    "to_json",
    "unsealed",
    "write_manifest",
]

FORMAT = 2
SEAL = "sha256"


class Manifest(NamedTuple):
    """What a manifest says.

    Attributes:
        audit: Whose audit it is.
        started: When the directory was made, in UTC, by ISO 8601; None if not known.
        rule: The rule that was stated before the first answer; None if none was.
        redacted: Where the texts were taken out: SHA-256, in hexadecimal, of what stands for the prompts; None = they are here.
        format: The format that it is written in.
    """

    audit: Audit
    started: str | None
    rule: Rule | None = None
    redacted: str | None = None
    format: int = FORMAT


def is_run_directory(path: Path) -> bool:
    """Whether there is a run directory at ``path``."""
    return (path / MANIFEST).exists()


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest in the newest format, if it would change."""
    with contextlib.suppress(RunDirectoryError):
        if read_manifest(path) == manifest._replace(format=FORMAT):
            return
    write_whole(path / MANIFEST, manifest_to_bytes(manifest))


def manifest_to_bytes(manifest: Manifest) -> bytes:
    """The manifest's file, in the newest format."""
    values: dict[str, Any] = {"format": FORMAT, "token_difr_version": __version__, "started": manifest.started}
    if manifest.rule is not None:
        values["rule"] = asdict(manifest.rule)
    if manifest.redacted is not None:
        values["redacted"] = manifest.redacted
    return to_json(sealed({**values, "audit": manifest.audit.to_dict()}))


def read_manifest(path: Path) -> Manifest:
    """Whose audit ``path`` holds.

    Raises:
        RunDirectoryError: None, one of another format, or a damaged one.
    """
    if not is_run_directory(path):
        lost = any((path / file).exists() for file in MADE_FOR)
        mend = f"; token-difr repair {path} makes it anew from the records" if lost else ""
        raise RunDirectoryError(f"{path} is not a run directory: it has no {MANIFEST}{mend}")
    file = path / MANIFEST
    try:
        values = json.loads(file.read_bytes())
        written = values["format"]
        if written == 1:
            return Manifest(audit_of_format_1(values["identity"]), None, format=1)
        if written == FORMAT:
            values = unsealed(values)
            return Manifest(
                Audit.from_dict(values["audit"]),
                _text("started", values["started"]),
                Rule(**values["rule"]) if "rule" in values else None,
                _text("redacted", values.get("redacted")),
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        mend = f"token-difr repair {path} makes it anew from the records"
        raise RunDirectoryError(f"{file} is damaged: {error}; {mend}") from error
    raise RunDirectoryError(f"{path} has format {written!r}, this version of token-difr reads formats 1 and {FORMAT}")


def _text(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} should be text")
    return value


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with a checksum over them."""
    return {**values, SEAL: _digest(values)}


def unsealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` without their checksum.

    Raises:
        ValueError: They have none, or it is not theirs.
    """
    rest = {name: value for name, value in values.items() if name != SEAL}
    if values.get(SEAL) != _digest(rest):
        raise ValueError("its checksum is not that of its content")
    return rest


def now() -> str:
    """The time in UTC, by ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def to_json(value: Mapping[str, Any]) -> bytes:
    """A JSON object as the bytes of a file; ``ValueError`` for NaN and infinities."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode("ascii")


def _digest(values: Mapping[str, Any]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
