"""The one interface between whoever asks for logits and whatever runs the model."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "ForwardPass", "KeyValues", "ending_together", "extended"]

KeyValues = list[NDArray[np.float32]]
"""Keys and values: key of layer 0, value of layer 0, key of layer 1, ...; each [row, head, column, size]."""


class ForwardPass(NamedTuple):
    """What one pass over a batch gives.

    Attributes:
        logits: float32[row, new token - logits_from, vocabulary]: what may follow each new token that was asked for.
        columns: Keys and values of the new tokens.
    """

    logits: NDArray[np.float32]
    columns: KeyValues


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
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """Runs the model over new tokens.

        Args:
            token_ids: [row, new token].
            positions: [row, new token], the place of each new token in its own sequence, from 0.
            mask: [row, cached column + new token], 1 where a column holds a token of the row and 0 where it holds
                nothing. The tokens of a row stand in order; columns without one may stand anywhere.
            cache: Keys and values of the cached columns; only read, and not kept.
            logits_from: The first new token whose logits are wanted; as many as there are = of none.
        """
        ...


def extended(cache: KeyValues, columns: KeyValues) -> KeyValues:
    """A cache with the columns of one more pass."""
    return [np.concatenate(parts, axis=2) for parts in zip(cache, columns, strict=True)]


def ending_together(mask: NDArray[np.int64], cache: KeyValues) -> tuple[NDArray[np.int64], KeyValues]:
    """The cached columns of every row moved to the right, and those that no row uses left out.

    For models that take a column's distance for a token's distance: windows of attention that are not ours.

    Args:
        mask: [row, cached column + new token], as :meth:`Engine.forward` takes it.
        cache: Keys and values of the cached columns.
    """
    width = cache[0].shape[2]
    cached, new = mask[:, :width], mask[:, width:]
    used = int(cached.sum(axis=1).max(initial=0))
    if used == width and bool((np.diff(cached, axis=1) >= 0).all()):
        return mask, cache
    order = np.argsort(cached, axis=1, kind="stable")[:, width - used :]
    moved = [np.take_along_axis(part, order[:, None, :, None], axis=2) for part in cache]
    return np.concatenate([np.take_along_axis(cached, order, axis=1), new], axis=1), moved
