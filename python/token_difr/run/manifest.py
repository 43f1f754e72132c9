"""The manifest of a run directory, the prompts beside it, and whose audit it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from token_difr._core import __version__
from token_difr.errors import RunDirectoryError
from token_difr.records import Conversation
from token_difr.records.audit import AuditIdentity, prompts_digest
from token_difr.run.files import write_whole

__all__ = [
    "is_run_directory",
    "make_directory",
    "read_identity",
    "read_json",
    "read_prompts",
    "settled",
    "to_json",
    "write_identity",
    "write_prompts",
]

FORMAT = 1
MANIFEST = "run.json"
PROMPTS = "prompts.jsonl"

LONGEST_SHOWN = 150

MENDING = "audit or collect with the same prompts writes it anew"

BOUND_BY: Mapping[str, tuple[str, ...]] = {
    "responses.jsonl": ("prompts_digest", "prompts_count", "provider", "model", "params", "max_tokens", "token_ids"),
    "sequences.jsonl": ("tokenizer",),
    "rows.jsonl": ("reference", "reference_model", "reference_dialect", "topk_logprobs"),
}
"""What of the identity each file's records depend on."""

NEVER_BOUND = ("sampler", "vocab_size")
"""What only scores depend on, which are made anew each time."""


def make_directory(path: Path) -> None:
    """Make ``path`` if it is missing.

    Raises:
        RunDirectoryError: It cannot be made, or holds files that are not a run directory's.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A process that was killed while it made the directory leaves these.
        own = {"lock", PROMPTS, f".{PROMPTS}.unfinished", f".{MANIFEST}.unfinished"}
        others = sorted({file.name for file in path.iterdir()} - own)
    except OSError as error:
        raise RunDirectoryError(f"cannot make the run directory {path}: {error.strerror}") from error
    if others:
        raise RunDirectoryError(f"{path} is not a run directory, and holds {others[0]!r}: choose an empty or new one")


def settled(path: Path, stated: AuditIdentity) -> AuditIdentity:
    """The identity of the audit at ``path`` once it goes on as ``stated``.

    A field binds only when something was made from it: a mistyped model or URL can be put right in the same directory.

    Raises:
        RunDirectoryError: A field that binds is stated otherwise; names them all.
    """
    stored = read_identity(path)
    free = [name for file, names in BOUND_BY.items() if _is_empty(path / file) for name in names]
    bound = replace(stored, **dict.fromkeys((*free, *NEVER_BOUND)))
    differences = bound.differences(stated)
    if differences:
        named = ", ".join(
            "the prompts" if name == "prompts_digest" else f"{name} ({_shown(ours)} there, {_shown(theirs)} here)"
            for name, (ours, theirs) in differences.items()
        )
        raise RunDirectoryError(f"{path} belongs to another audit; it differs in {named}. Choose another directory")
    return bound.completed_by(stated).completed_by(stored)


def _shown(value: object) -> str:
    """A value on part of a line; hundreds of seeds would fill the screen."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} ..."


def is_run_directory(path: Path) -> bool:
    """Whether there is a run directory at ``path``."""
    return (path / MANIFEST).exists()


def _is_empty(file: Path) -> bool:
    return not file.exists() or file.stat().st_size == 0


def write_identity(path: Path, identity: AuditIdentity) -> None:
    """Write the manifest, if it would change."""
    manifest = {"format": FORMAT, "token_difr_version": __version__, "identity": identity.to_dict()}
    if not is_run_directory(path) or read_identity(path) != identity:
        write_whole(path / MANIFEST, to_json(manifest))


def write_prompts(path: Path, prompts: Sequence[Conversation], identity: AuditIdentity) -> None:
    """Write the prompts, unless the file holds them: it may be missing, damaged, or ahead of the manifest."""
    try:
        read_prompts(path, identity)
    except RunDirectoryError:
        lines = [json.dumps({"messages": messages}) + "\n" for messages in prompts]
        write_whole(path / PROMPTS, "".join(lines).encode("ascii"))


def read_identity(path: Path) -> AuditIdentity:
    """Whose audit ``path`` holds.

    Raises:
        RunDirectoryError: None, one of another format, or a damaged one.
    """
    if not is_run_directory(path):
        raise RunDirectoryError(f"{path} is not a run directory: it has no {MANIFEST}")
    manifest = read_json(path / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise RunDirectoryError(
            f"{path} has format {manifest.get('format')!r}, this version of token-difr reads format {FORMAT}"
        )
    try:
        return AuditIdentity.from_dict(manifest["identity"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunDirectoryError(f"{path / MANIFEST} is damaged: {error}") from error


def read_prompts(path: Path, identity: AuditIdentity) -> list[Conversation]:
    """The prompts; ``RunDirectoryError`` if they are not those of ``identity``."""
    try:
        lines = (path / PROMPTS).read_text("ascii").splitlines()
        prompts = [json.loads(line)["messages"] for line in lines]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: {error}; {MENDING}") from error
    if prompts_digest(prompts) != identity.prompts_digest:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: its digest is not the one in {MANIFEST}; {MENDING}")
    return prompts


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; ``RunDirectoryError`` if it holds none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise RunDirectoryError(f"{path} is damaged: not a JSON object")
    return value


def to_json(value: Mapping[str, Any]) -> bytes:
    """A JSON object as the bytes of a file; ``ValueError`` for NaN and infinities."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode("ascii")
