"""The same reference at another address, after some of a run's rows have arrived.

A server that died may come back under another URL. That it serves the same model nobody can see from here, so the user has to
say so. What is lost nowhere is where each row came from: in ``rows.jsonl`` a line ``made_for`` stands above the first row of
each address.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from token_difr.records import Audit, Judged
from token_difr.run.binding import going_on, settled
from token_difr.run.files import lock
from token_difr.run.manifest import read_manifest, write_manifest

__all__ = ["move_reference"]


def move_reference(path: str | os.PathLike[str], judged: Judged) -> None:
    """Let the run at ``path`` go on with its reference at the URL of ``judged``.

    Args:
        path: The run directory. One that states no reference yet stays as it is.
        judged: The reference, in all but its URL, or the path of its model, as the run states it.

    Raises:
        RunDirectoryError: No run directory, a damaged one, one that is in use, or another reference. Nothing is written then.
    """
    path = Path(path)
    going_on(path, Audit())
    descriptor = lock(path)
    try:
        stored = read_manifest(path)  # now nobody else writes it
        held = stored.audit.judged
        if held is not None:
            there: dict[str, Any] = {held.place: getattr(held, held.place)}
            settled(path, stored.audit, Audit(judged=replace(judged, **there)))
            write_manifest(path, stored._replace(audit=replace(stored.audit, judged=judged)))
    finally:
        os.close(descriptor)
