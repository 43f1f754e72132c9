"""The sequences that are being generated, as one padded batch.

Rows end at the same column: shorter caches are padded on the left, masked out, and every token keeps its own position.
Sequences join and leave between two steps.

Why padding changes nothing: a masked column gets -inf before the softmax of the attention, so weight exp(-inf) = 0, and
contributes exactly 0 to each sum, whatever stands in it (zeros here, so that no 0 * inf can come up). Where a token
stands is told by its position and not by its column. What remains is rounding: a kernel adds a wider row in another
order, which moves logits by up to 1e-4. On the left, because the new column of a step is then one for all rows:
appending costs no gap behind the shorter ones.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from token_difr.server.generation.generation import Generation
from token_difr.server.model.engine import Engine, KeyValues

__all__ = ["DecodeBatch"]

_Element = TypeVar("_Element", bound=np.generic)


class DecodeBatch:
    """Caches of several sequences, aligned at their last column."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cache: KeyValues = []
        self._mask: NDArray[np.int64] = np.empty((0, 0), dtype=np.int64)
        self.generations: list[Generation] = []

    def __len__(self) -> int:
        return len(self.generations)

    def join(self, generation: Generation, cache: KeyValues) -> None:
        """Adds a sequence as the last row.

        Args:
            generation: Its prompt is fed and its first token chosen.
            cache: One row; its columns are the prompt's tokens.
        """
        mask = np.ones((1, cache[0].shape[2]), dtype=np.int64)
        if self.generations:
            width = max(mask.shape[1], self._mask.shape[1])
            mask = np.concatenate([_pad_left(self._mask, width, axis=1), _pad_left(mask, width, axis=1)])
            both = zip(self._cache, cache, strict=True)
            cache = [np.concatenate([_pad_left(part, width, axis=2) for part in parts]) for parts in both]
        self._mask, self._cache = mask, cache
        self.generations.append(generation)

    def drop_finished(self) -> None:
        """Removes the rows of sequences that are done, and the columns that only they needed."""
        kept = [row for row, generation in enumerate(self.generations) if not generation.done]
        if len(kept) == len(self.generations):
            return
        self.generations = [self.generations[row] for row in kept]
        if not kept:
            self._cache, self._mask = [], np.empty((0, 0), dtype=np.int64)
            return
        mask = self._mask[kept]
        # Rows end together, so a column is used by a row from its own first one on: argmax finds the first of any.
        first = int(mask.any(axis=0).argmax())
        self._mask = mask[:, first:]
        self._cache = [np.ascontiguousarray(part[kept, :, first:]) for part in self._cache]

    def step(self) -> NDArray[np.float32]:
        """Feeds the last token of every sequence; float32[row, vocabulary] of what may follow it."""
        # The last token is chosen and not yet fed: it counts in the length, so it stands at position length - 1, and the
        # mask has one column less than it needs.
        last = [generation.output[-1] for generation in self.generations]
        positions = [generation.length - 1 for generation in self.generations]
        self._mask = np.concatenate([self._mask, np.ones((len(self), 1), dtype=np.int64)], axis=1)
        column = np.array([last, positions], dtype=np.int64)[:, :, None]
        result = self._engine.forward(column[0], column[1], self._mask, self._cache)
        self._cache = result.cache
        return result.logits[:, -1]


def _pad_left(array: NDArray[_Element], width: int, *, axis: int) -> NDArray[_Element]:
    """The array with zeros before its columns, so that the axis has ``width`` of them."""
    missing = width - array.shape[axis]
    if not missing:
        return array
    return np.pad(array, [(missing if a == axis else 0, 0) for a in range(array.ndim)])
