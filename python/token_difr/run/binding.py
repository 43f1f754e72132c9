"""Which audit a run directory holds once it goes on as somebody states it.

A part of the record binds when something was made from it: as long as a stage's file holds nothing, a mistyped model or URL
is put right by stating it again. A repair of tokens may always be stated to go further.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, Rule
from token_difr.run.layout import MADE_FOR, REPAIRS, RESPONSES
from token_difr.run.manifest import Manifest, read_manifest
from token_difr.run.repair_limit import most_repair_requests

__all__ = ["going_on", "made_for", "settled"]

LONGEST_SHOWN = 150
MOVED = "Choose another directory; if it is the same reference at another place, token-difr reference {} --reference-moved goes on"


def going_on(path: Path, stated: Audit, rule: Rule | None = None) -> Manifest:
    """The manifest of the run at ``path`` once it goes on as ``stated``.

    Raises:
        RunDirectoryError: As :func:`settled`; or its texts were taken out.
    """
    stored = read_manifest(path)
    if stored.redacted is not None:
        raise RunDirectoryError(
            f"the texts of {path} were taken out, so that nothing goes on in it: token-difr report and verify-run read it; "
            "score and decide take the run that it was made from"
        )
    return stored._replace(audit=settled(path, stored.audit, stated), rule=_settled_rule(path, stored.rule, rule))


def made_for(file: str, audit: Audit) -> dict[str, Any]:
    """The parts of the audit's record that a file is made for, as JSON values."""
    whole = audit.to_dict()
    return {name: whole[name] for name in MADE_FOR[file] if name in whole}


def settled(path: Path, stored: Audit, stated: Audit) -> Audit:
    """The record of the audit at ``path``, which holds ``stored``, once it goes on as ``stated``.

    Raises:
        RunDirectoryError: Something that binds is stated otherwise; names all of it.
    """
    free = [name for file, names in MADE_FOR.items() if _is_empty(path / file) for name in names]
    if _is_empty(path / REPAIRS) or _repairs_further(stored, stated):
        free.append("resegmented")
    bound = replace(stored, scored=None, **dict.fromkeys(free))
    differences = bound.differences(stated)
    if differences:
        named = ", ".join(
            "the prompts" if name == "prompts.digest" else f"{name} ({_shown(there)} there, {_shown(here)} here)"
            for name, (there, here) in differences.items()
        )
        elsewhere = stored.judged is not None and differences.keys() == {f"judged.{stored.judged.place}"}
        mend = MOVED.format(path) if elsewhere else "Choose another directory"
        raise RunDirectoryError(f"{path} belongs to another audit; it differs in {named}. {mend}")
    return bound.completed_by(stated).completed_by(stored)


def _settled_rule(path: Path, stored: Rule | None, stated: Rule | None) -> Rule | None:
    """The rule that stood before the audit at ``path`` began, which holds ``stored``, once it goes on with ``stated``.

    From the first answer on the stored one stays, none included: a rule that was chosen beside the answers may have been chosen
    by them. Nothing that was paid for is lost by another one: the report says that it is another.
    """
    return stated or stored if _is_empty(path / RESPONSES) else stored


def _repairs_further(stored: Audit, stated: Audit) -> bool:
    """A repair can be gone on with, and not be undone."""
    known = replace(stated, prompts=stated.prompts or stored.prompts, asked=stated.asked or stored.asked)
    return most_repair_requests(known) >= most_repair_requests(stored)


def _is_empty(file: Path) -> bool:
    return not file.exists() or file.stat().st_size == 0


def _shown(value: object) -> str:
    """A value on part of a line; hundreds of seeds would fill the screen."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} ..."
