"""The prompts of a run directory, so that it stands alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, Conversation, PromptSet
from token_difr.run.files import write_whole
from token_difr.run.layout import MANIFEST, PROMPTS
from token_difr.run.manifest import Manifest

__all__ = ["digests_to_bytes", "parsed_prompts", "read_digests", "read_prompts", "write_prompts"]

MENDING = "audit or collect with the same prompts writes it anew"


def write_prompts(path: Path, prompts: Sequence[Conversation], audit: Audit) -> None:
    """Write the prompts, unless the file holds them: it may be missing, damaged, or ahead of the manifest."""
    try:
        read_prompts(path, audit)
    except RunDirectoryError:
        lines = [json.dumps({"messages": messages}) + "\n" for messages in prompts]
        write_whole(path / PROMPTS, "".join(lines).encode("ascii"))


def read_prompts(path: Path, audit: Audit) -> list[Conversation]:
    """The prompts; ``RunDirectoryError`` if they are not those of ``audit``."""
    prompts = parsed_prompts(path)
    if PromptSet.of(prompts) != audit.prompts:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: its digest is not the one in {MANIFEST}; {MENDING}")
    return prompts


def digests_to_bytes(digests: Sequence[str]) -> bytes:
    """The file where the prompts were taken out: a digest of each in its place."""
    return "".join(json.dumps({"sha256": digest}) + "\n" for digest in digests).encode("ascii")


def read_digests(path: Path, manifest: Manifest) -> tuple[str, ...]:
    """What stands for the prompts that were taken out; ``RunDirectoryError`` if it is not what ``manifest`` seals."""
    try:
        data = (path / PROMPTS).read_bytes()
        digests = tuple(json.loads(line)["sha256"] for line in data.splitlines())
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: {error}; redact the run anew") from error
    known = manifest.audit.prompts
    whole = hashlib.sha256(data).hexdigest() == manifest.redacted and all(map(_is_digest, digests))
    if not whole or known is None or len(digests) != known.count:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: {MANIFEST} seals others; redact the run anew")
    return digests


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def parsed_prompts(path: Path) -> list[Conversation]:
    """The prompts as the file has them; ``RunDirectoryError`` if it cannot be read."""
    try:
        lines = (path / PROMPTS).read_text("ascii").splitlines()
        return [json.loads(line)["messages"] for line in lines]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: {error}; {MENDING}") from error
