"""A prompt and the output that is claimed for it, as token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

__all__ = ["Fidelity", "TokenSequence"]


class Fidelity(StrEnum):
    """How surely the output's tokens are those that the model wrote."""

    IDS = "ids"
    """The provider's own ids, checked against its text."""
    COUNTED = "counted"
    """Rebuilt from text, and as many as the provider counted."""
    UNCOUNTED = "uncounted"
    """Rebuilt from text, without a count that could be believed."""
    CONTRADICTED = "contradicted"
    """Rebuilt from text, and not as many as the provider counted."""
    INCOMPLETE = "incomplete"
    """Parts of the output were not sent."""


@dataclass
class TokenSequence:
    """A prompt and its generated output as token ids.

    Attributes:
        prompt_token_ids: Ids of the rendered prompt, special tokens included.
        output_token_ids: The claimed tokens; may be empty.
        fidelity: How surely they are the model's; None = not told.
        repaired: The text is cut into tokens as the reference finds it likelier than the tokenizer's own way.
    """

    prompt_token_ids: Sequence[int]
    output_token_ids: Sequence[int]
    fidelity: Fidelity | None = None
    repaired: bool = False

    @property
    def scorable(self) -> bool:
        """Whether the output may be scored: what is known not to be the model's tokens says nothing of the model."""
        return self.fidelity not in {Fidelity.CONTRADICTED, Fidelity.INCOMPLETE}

    def to_dict(self) -> dict[str, Any]:
        """Both lists by name, as built-in integers; ``fidelity`` and ``repaired`` only where they are set."""
        told = {} if self.fidelity is None else {"fidelity": self.fidelity.value}
        return {
            "prompt_token_ids": [int(token) for token in self.prompt_token_ids],
            "output_token_ids": [int(token) for token in self.output_token_ids],
            **told,
            **({"repaired": True} if self.repaired else {}),
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`; a missing name raises ``KeyError``, an unknown fidelity ``ValueError``."""
        fidelity = d.get("fidelity")
        return cls(
            prompt_token_ids=d["prompt_token_ids"],
            output_token_ids=d["output_token_ids"],
            fidelity=None if fidelity is None else Fidelity(fidelity),
            repaired=bool(d.get("repaired", False)),
        )
