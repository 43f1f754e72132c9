"""A prompt and the output that is claimed for it, as token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["TokenSequence"]


@dataclass
class TokenSequence:
    """A prompt and its generated output as token ids.

    Attributes:
        prompt_token_ids: Ids of the rendered prompt, special tokens included.
        output_token_ids: The claimed tokens; may be empty.
    """

    prompt_token_ids: Sequence[int]
    output_token_ids: Sequence[int]

    def to_dict(self) -> dict[str, list[int]]:
        """Both lists by name, as built-in integers."""
        return {
            "prompt_token_ids": [int(token) for token in self.prompt_token_ids],
            "output_token_ids": [int(token) for token in self.output_token_ids],
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`; a missing name raises ``KeyError``."""
        return cls(prompt_token_ids=d["prompt_token_ids"], output_token_ids=d["output_token_ids"])
