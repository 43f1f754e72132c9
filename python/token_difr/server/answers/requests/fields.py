"""The table of all fields: what each does, which values change nothing, and why some are refused (``fields.toml``).

Validation, the API's description, the page in ``docs/`` and the texts of errors are made of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

__all__ = ["Effect", "FieldRule", "RefusedFieldError", "Settled", "field_rules", "settle"]

Effect = Literal["acts", "hint", "refused"]


@dataclass(frozen=True, kw_only=True)
class FieldRule:
    """What becomes of one field.

    Attributes:
        effect: It acts, it is accepted without effect, or it is refused.
        words: What it does, why it has no effect, or why it is refused.
        neutral: Values of a refused field that ask for what happens anyway.
        neutral_as: Another field of the same object whose value is neutral too.
    """

    effect: Effect
    words: str
    neutral: tuple[Any, ...] = ()
    neutral_as: str | None = None

    def changes_nothing(self, value: Any, given: Mapping[str, Any]) -> bool:
        """Whether a refused field asks for nothing with this value.

        Args:
            value: What the field holds.
            given: All fields of its object.
        """
        other = () if self.neutral_as is None else (given.get(self.neutral_as),)
        return any(_same(value, neutral) for neutral in (*self.neutral, *other))


class Settled(NamedTuple):
    """An object's fields after the table.

    Attributes:
        kept: Those that its class reads.
        ignored: Names of the hints among the others.
    """

    kept: dict[str, Any]
    ignored: tuple[str, ...]


class RefusedFieldError(Exception):
    """A field asks for what the server does not do.

    Attributes:
        field: Its name.
        words: The whole sentence.
    """

    def __init__(self, field: str, because: str) -> None:
        self.field = field
        self.words = f"is not supported: {because}"
        super().__init__(f"{field} {self.words}")


@cache
def field_rules(part: str) -> Mapping[str, FieldRule]:
    """The rules of one kind of object by field; empty where the table has none.

    Args:
        part: Such as ``chat`` or ``message``.
    """
    rules: dict[str, FieldRule] = {}
    for group in _groups():
        if part not in group["on"]:
            continue
        for name, words in group.get("acts", {}).items():
            rules[name] = FieldRule(effect="acts", words=words)
        for name, words in group.get("hint", {}).items():
            rules[name] = FieldRule(effect="hint", words=words)
        for name, entry in group.get("refused", {}).items():
            neutral, other = tuple(entry.get("neutral", ())), entry.get("neutral_as")
            rules[name] = FieldRule(effect="refused", words=entry["because"], neutral=neutral, neutral_as=other)
    return rules


def settle(part: str, given: Mapping[str, Any]) -> Settled:
    """Leaves out what changes nothing: nulls, hints and neutral values.

    Raises:
        RefusedFieldError: A field asks for what the server does not do.
    """
    rules = field_rules(part)
    kept: dict[str, Any] = {}
    ignored: list[str] = []
    for name, value in given.items():
        rule = rules.get(name)
        if value is None:
            continue
        if rule is None or rule.effect == "acts":
            kept[name] = value
        elif rule.effect == "hint":
            ignored.append(name)
        elif not rule.changes_nothing(value, given):
            raise RefusedFieldError(name, rule.words)
    return Settled(kept, tuple(ignored))


@cache
def _groups() -> list[dict[str, Any]]:
    text = files(__package__).joinpath("fields.toml").read_text(encoding="utf-8")
    groups: list[dict[str, Any]] = tomllib.loads(text)["group"]
    return groups


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON values: for Python ``True`` is 1 too."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
