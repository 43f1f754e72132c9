"""A table of a TOML file, read key by key: what is wrong is named by file, table and key."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from token_difr.errors import InputError
from token_difr.untrusted import printable

__all__ = ["TomlTable"]

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


class TomlTable:
    """The keys of one table. Each is read by a method that names its kind; :meth:`finish` refuses those that nobody read.

    Args:
        file: The file, which messages name and relative paths are taken from.
        name: The table, such as ``[campaign]``.
        values: Its keys and values.
        stored: Whether files that it names need not be there.
    """

    def __init__(self, file: Path, name: str, values: Mapping[str, Any], *, stored: bool = False) -> None:
        self._file, self.name, self._values, self.stored = file, name, values, stored
        self._read: set[str] = set()

    def named(self, name: str) -> TomlTable:
        """The same under another name."""
        return TomlTable(self._file, name, self._values, stored=self.stored)

    def text(self, key: str, default: str | None = None) -> str | None:
        """Text that is not empty; ``default`` where the key is not there."""
        value = self._value(key, str)
        if value is None:
            return default
        if not value.strip() or not value.isprintable():
            raise self.error(key, "must be text on one line, and not empty")
        return str(value)

    def needed(self, key: str) -> str:
        """Text that must be there."""
        value = self.text(key)
        if value is None:
            raise self.error(key, "is missing")
        return value

    def one_of(self, key: str, choices: Collection[str], default: str | None = None) -> str | None:
        """One of some words."""
        value = self.text(key, default)
        if value is not None and value not in choices:
            raise self.error(key, f"must be one of {', '.join(choices)}, not {printable(repr(value), longest=60)}")
        return value

    def variable(self, key: str) -> str | None:
        """The name of an environment variable. What is none may be a key itself, so no message shows it."""
        value = self._value(key, str)
        if value is not None and not VARIABLE.fullmatch(value):
            raise self.error(
                key, "must be the name of an environment variable that holds the key, never the key itself"
            )
        return None if value is None else str(value)

    def flag(self, key: str) -> bool:
        """True or false; false where the key is not there."""
        return bool(self._value(key, bool))

    def whole(self, key: str, default: int, *, least: int) -> int:
        """A whole number of at least ``least``."""
        value = self._value(key, int)
        if value is not None and value < least:
            raise self.error(key, f"must be at least {least}, not {value!r}")
        return default if value is None else int(value)

    def number(self, key: str, *, least: float = 0.0) -> float | None:
        """A finite number of at least ``least``; None where the key is not there."""
        value = self._value(key, float)
        if value is not None and not least <= value < math.inf:
            raise self.error(key, f"must be a finite number of at least {least:g}, not {value!r}")
        return None if value is None else float(value)

    def existing_file(self, key: str) -> Path | None:
        """A path, which is relative to the folder of the TOML file, of a file that exists."""
        value = self.text(key)
        if value is None:
            return None
        path = self._file.parent / value
        if not self.stored and not path.is_file():
            raise self.error(key, f"names {printable(str(path), longest=300)}, which is no file")
        return path

    def table(self, key: str) -> TomlTable | None:
        """A table inside this one."""
        values = self._value(key, dict)
        name = f"{self.name.removesuffix(']')}.{key}]" if self.name.endswith("]") else f"{self.name}, {key}"
        return None if values is None else TomlTable(self._file, name, values, stored=self.stored)

    def finish(self) -> None:
        """Refuse keys that are not known.

        Raises:
            InputError: There are some; names the first, and those that are known.
        """
        unknown = sorted(self._values.keys() - self._read)
        if unknown:
            known = ", ".join(sorted(self._read))
            raise self.error(printable(unknown[0], longest=60), f"is not known; known keys are {known}")

    def error(self, key: str, what: str) -> InputError:
        """The error of a key."""
        return InputError(f"{printable(str(self._file), longest=300)}, {self.name}: {key} {what}")

    def _value(self, key: str, kind: type) -> Any:
        self._read.add(key)
        value = self._values.get(key)
        fits = type(value) is kind or (kind is float and type(value) is int)
        if value is None or fits:
            return value
        raise self.error(key, f"must be {KINDS[kind]}, not {_kind_of(value)}")


def _kind_of(value: Any) -> str:
    """In words, without the value: it may be a key in the wrong place."""
    return KINDS.get(type(value), "a list" if isinstance(value, list) else "a date or a time")
