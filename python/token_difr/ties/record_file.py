"""A record in a file of its own: JSON with a checksum, read back value by value, whoever sealed it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from token_difr.errors import InputError
from token_difr.report.record_json import record_from_json, record_to_json
from token_difr.run.files import write_whole
from token_difr.run.manifest import sealed, to_json, unsealed

__all__ = ["load_record", "save_record"]

Record = TypeVar("Record")


def save_record(record: Any, path: str | os.PathLike[str], form: int | str) -> None:
    """Write the file, whole or not at all.

    Raises:
        RunDirectoryError: It cannot be written.
    """
    write_whole(Path(path), to_json(sealed({"format": form, **record_to_json(record)})))


def load_record(
    kind: type[Record],
    path: str | os.PathLike[str],
    form: int | str,
    *,
    holds: str,
    verb: str,
    older: Mapping[str, Any] | None = None,
) -> Record:
    """Read a file of :func:`save_record`.

    Args:
        kind: The record's class.
        path: The file.
        form: The format that it was written in.
        holds: What it holds, in words.
        verb: The command that makes such files.
        older: Fields that files of this format may lack, with what stands for them.

    Raises:
        InputError: There is none, it is damaged or edited, or was written in another format.
    """
    try:
        values = json.loads(Path(path).read_bytes())
        if isinstance(values, dict) and values.get("format") == form:
            rest = {name: value for name, value in unsealed(values).items() if name != "format"}
            return record_from_json(kind, {**(older or {}), **rest})
    except OSError as error:
        raise InputError(f"cannot read the {holds} in {path}: {error.strerror}") from error
    except (ValueError, RecursionError, InputError) as error:
        raise InputError(f"{path} is damaged: {error}; {verb} makes it anew") from error
    raise InputError(f"{path} holds no {holds} in format {form}: {verb} makes such a file")
