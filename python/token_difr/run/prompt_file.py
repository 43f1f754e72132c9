"""The prompts of a run directory, so that it stands alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, Conversation, PromptSet
from token_difr.run.files import write_whole
from token_difr.run.layout import MANIFEST, PROMPTS

__all__ = ["parsed_prompts", "read_prompts", "write_prompts"]

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


def parsed_prompts(path: Path) -> list[Conversation]:
    """The prompts as the file has them; ``RunDirectoryError`` if it cannot be read."""
    try:
        lines = (path / PROMPTS).read_text("ascii").splitlines()
        return [json.loads(line)["messages"] for line in lines]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunDirectoryError(f"{path / PROMPTS} is damaged: {error}; {MENDING}") from error
