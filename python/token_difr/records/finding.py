"""One thing that an audit shows beside its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

__all__ = ["Finding"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that an audit shows beside its scores.

    Attributes:
        name: The check's name.
        level: "warning" where something may be wrong, with the provider or with the audit itself; else "note".
        text: What was found and what it may mean, in words that are safe to show.
        evidence: The figures behind it, as JSON values.
    """

    name: str
    level: Literal["note", "warning"]
    text: str
    evidence: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, text: str, evidence: Mapping[str, Any], *, warning: bool) -> Self:
        """A warning or a note."""
        return cls(name=name, level="warning" if warning else "note", text=text, evidence=evidence)
