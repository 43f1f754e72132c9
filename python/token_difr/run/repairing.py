"""A lost or damaged ``run.json``, made anew from the records beside it.

Each stage's file says what its records were made for; those of format 1 do not, and what they leave open has to be stated.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, PromptSet
from token_difr.run.files import lock
from token_difr.run.journal import Journal
from token_difr.run.layout import MADE_FOR, PROMPTS
from token_difr.run.manifest import Manifest, read_manifest, write_manifest
from token_difr.run.prompt_file import parsed_prompts

__all__ = ["Repaired", "repair"]

UNTOLD = "resegmented"
"""A part that rows of before do not tell, and that nothing needs to be gone on with."""


class Repaired(NamedTuple):
    """What a run directory's manifest says after a repair.

    Attributes:
        audit: Whose audit it is.
        told: The parts that the records told; the others were stated, or are not known.
        was_whole: Whether there was nothing to repair.
    """

    audit: Audit
    told: tuple[str, ...]
    was_whole: bool


def repair(path: str | os.PathLike[str], stated: Audit | None = None) -> Repaired:
    """Make the manifest of a run directory anew; nothing else in it is touched.

    Args:
        path: The run directory.
        stated: Parts that its records do not tell, such as the sampler, or all parts of one that has format 1.

    Raises:
        RunDirectoryError: It has no prompts or no records of an audit, is in use, or its records were made for
            something else than is stated.
    """
    path = Path(path)
    if not any((path / file).exists() for file in (PROMPTS, *MADE_FOR)):
        raise RunDirectoryError(f"{path} is not a run directory: it holds no records of an audit")
    descriptor = lock(path)
    try:
        return _repaired(path, stated or Audit())
    finally:
        os.close(descriptor)


def _repaired(path: Path, stated: Audit) -> Repaired:
    with contextlib.suppress(RunDirectoryError):
        return Repaired(read_manifest(path).audit, (), was_whole=True)
    prompts = PromptSet.of(parsed_prompts(path))
    told = _told(path)
    if told.prompts is not None and told.prompts != prompts:
        raise RunDirectoryError(f"the answers in {path} are of other prompts than it holds: put its prompts back")
    differences = told.differences(stated)
    if differences:
        named = ", ".join(f"{name} ({there!r} there, {here!r} here)" for name, (there, here) in differences.items())
        raise RunDirectoryError(f"the records in {path} were made for something else than is stated: {named}")
    audit = replace(told, prompts=prompts).completed_by(stated)
    _check_told(path, audit)
    write_manifest(path, Manifest(audit, None))
    return Repaired(audit, tuple(name for name, _ in told.parts()), was_whole=False)


def _told(path: Path) -> Audit:
    """What the files say that they were made for."""
    parts: dict[str, Any] = {}
    for file in MADE_FOR:
        parts |= _made_for(path / file) or {}
    try:
        return Audit.from_dict(parts)
    except (TypeError, ValueError, AttributeError) as error:
        raise RunDirectoryError(f"the records in {path} say that they were made for no audit: {error}") from error


def _made_for(file: Path) -> Mapping[str, Any] | None:
    return Journal(file, dict, dict).made_for


def _check_told(path: Path, audit: Audit) -> None:
    """A part that records depend on has to be known: told by them, or stated."""
    known = {name for name, _ in audit.parts()}
    for file, names in MADE_FOR.items():
        missing = [name for name in names if name not in known and name != UNTOLD]
        if missing and Journal(path / file, dict, dict).entries:
            options = {"asked": "--provider, --model and how it was asked", "rendered": "--tokenizer"}
            how = options.get(missing[0], "--reference and how it was asked")
            raise RunDirectoryError(f"{path / file} does not say what it was made for: give {how}")
