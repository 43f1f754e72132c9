"""The one interface between the server and whatever runs the model."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "ForwardPass", "KeyValues"]

KeyValues = list[NDArray[np.float32]]
"""Cached keys and values: key of layer 0, value of layer 0, key of layer 1, ...; each [row, head, column, size].

Arrays of a cache are never written to: growing a cache makes new arrays.
"""


class ForwardPass(NamedTuple):
    """What one pass over a batch gives.

    Attributes:
        logits: float32[row, new token, vocabulary]: what may follow each new token.
        cache: Keys and values of the cached and the new tokens.
    """

    logits: NDArray[np.float32]
    cache: KeyValues


class Engine(Protocol):
    """A causal language model. ``forward`` may be called from several threads at once."""

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        ...

    def empty_cache(self) -> KeyValues:
        """The cache of one row that has seen nothing."""
        ...

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
    ) -> ForwardPass:
        """Runs the model over new tokens.

        Args:
            token_ids: [row, new token].
            positions: [row, new token], the place of each new token in its own sequence, from 0.
            mask: [row, cached column + new token], 1 where a column holds a token of the row and 0 for padding.
            cache: Keys and values of the cached columns.
        """
        ...
