"""A prompt and the output that is claimed for it, as token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

__all__ = ["Fidelity", "TokenSequence"]


class Fidelity(StrEnum):
    """How surely the tokens of an output are the ones that the model wrote."""

    IDS = "ids"
    """The provider's own ids, which spell its text."""
    COUNTED = "counted"
    """Made from the text; as many as the provider counted."""
    UNCOUNTED = "uncounted"
    """Made from the text; no count that could be believed confirms them."""
    CONTRADICTED = "contradicted"
    """Made from the text; the provider counted another number."""
    INCOMPLETE = "incomplete"
    """Parts of the output were not sent, or cannot be written as tokens."""

    @property
    def scorable(self) -> bool:
        """Whether tokens like these may be held against the provider."""
        return self not in {Fidelity.CONTRADICTED, Fidelity.INCOMPLETE}


@dataclass
class TokenSequence:
    """A prompt and its generated output as token ids.

    Attributes:
        prompt_token_ids: Ids of the rendered prompt, special tokens included.
        output_token_ids: The claimed tokens; may be empty.
        fidelity: How surely the model wrote these; None = not known, as in files of other tools.
        repaired: Whether the text was cut into other tokens than its tokenizer's own, since the reference finds those
            likelier.
        unread: Why the reference could not read it as it was sent, so that there are no rows of it; None = it could, or
            was not asked yet.
    """

    prompt_token_ids: Sequence[int]
    output_token_ids: Sequence[int]
    fidelity: Fidelity | None = field(default=None, kw_only=True)
    repaired: bool = field(default=False, kw_only=True)
    unread: str | None = field(default=None, kw_only=True)

    @property
    def scorable(self) -> bool:
        """Whether the output's tokens may be scored: a fault of ours or the reference's would be charged to the provider else."""
        return self.unread is None and (self.fidelity is None or self.fidelity.scorable)

    def to_dict(self) -> dict[str, Any]:
        """Both lists by name, as built-in integers; the others where they say something."""
        record: dict[str, Any] = {
            "prompt_token_ids": [int(token) for token in self.prompt_token_ids],
            "output_token_ids": [int(token) for token in self.output_token_ids],
        }
        if self.fidelity is not None:
            record["fidelity"] = str(self.fidelity)
        if self.repaired:
            record["repaired"] = True
        if self.unread is not None:
            record["unread"] = self.unread
        return record

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`; a missing list raises ``KeyError``, an unknown fidelity ``ValueError``."""
        fidelity = d.get("fidelity")
        return cls(
            prompt_token_ids=d["prompt_token_ids"],
            output_token_ids=d["output_token_ids"],
            fidelity=None if fidelity is None else Fidelity(fidelity),
            repaired=bool(d.get("repaired", False)),
            unread=d.get("unread"),
        )
