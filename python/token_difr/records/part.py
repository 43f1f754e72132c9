"""What the parts of an audit's record have in common: what two of them differ in, and what a baseline must share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["SHARED", "differences", "leaves"]

SHARED: Mapping[str, bool] = MappingProxyType({"shared": True})
"""Metadata of a field that a baseline must have in common with the audit that it is compared with."""


def leaves(part: Any, *, shared_only: bool = False) -> Iterator[tuple[str, Any]]:
    """The values of a dataclass and of those nested in it, by dotted name.

    Args:
        part: An instance of a dataclass.
        shared_only: Those alone whose field, at the innermost place, is marked ``SHARED``.
    """
    for field in fields(part):
        value = getattr(part, field.name)
        if is_dataclass(value):
            for name, leaf in leaves(value, shared_only=shared_only):
                yield f"{field.name}.{name}", leaf
        elif not shared_only or field.metadata.get("shared"):
            yield field.name, value


def differences(ours: Any, theirs: Any, *, shared_only: bool = False) -> dict[str, tuple[Any, Any]]:
    """Values (ours, theirs) by dotted name where two instances of one dataclass differ."""
    other = dict(leaves(theirs, shared_only=shared_only))
    return {
        name: (value, other.get(name))
        for name, value in leaves(ours, shared_only=shared_only)
        if other.get(name) != value
    }
