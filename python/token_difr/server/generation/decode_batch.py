"""The sequences that are being generated, as one batch.

Every sequence has a row; its column j holds the token at position j, and the columns behind its last token are masked out.
Sequences join and leave between two steps.

Why padding changes nothing: a masked column gets -1e30 before the softmax of the attention, so weight exp(-1e30) = 0, and
contributes exactly 0 to each sum, whatever stands in it (numbers that once were keys and values: finite, so that no 0 * inf
can come up). What remains is rounding: a kernel adds a wider row in another order, which moves logits by up to 1e-4.

The cache has room for some columns more than are in use, so that a step writes its one column of keys and values where it
belongs and copies no other. Only every ``_ROOM`` steps the room is used up and made anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.engine import Engine, KeyValues
from token_difr.server.generation.generation import Generation

__all__ = ["DecodeBatch"]

_ROOM = 32
"""Columns by which a cache grows."""


class DecodeBatch:
    """Caches of several sequences, a row each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cache: KeyValues = []
        self._lengths: list[int] = []
        self.generations: list[Generation] = []

    def __len__(self) -> int:
        return len(self.generations)

    def join(self, generation: Generation, cache: KeyValues) -> None:
        """Adds a sequence as the last row.

        Args:
            generation: Its prompt is fed and its first token chosen.
            cache: One row; its columns are the prompt's tokens.
        """
        row, length = len(self), cache[0].shape[2]
        self._make_room(row + 1, max([length, *self._lengths]), like=cache)
        for kept, part in zip(self._cache, cache, strict=True):
            kept[row, :, :length] = part[0]
        self._lengths.append(length)
        self.generations.append(generation)

    def drop_finished(self) -> None:
        """Removes the rows of sequences that are done, and the columns that only they needed."""
        left = [row for row, generation in enumerate(self.generations) if generation.done]
        for row in reversed(left):
            # The last row takes the place: it alone is copied.
            last = len(self) - 1
            if row != last:
                for part in self._cache:
                    part[row, :, : self._lengths[last]] = part[last, :, : self._lengths[last]]
                self.generations[row], self._lengths[row] = self.generations[last], self._lengths[last]
            del self.generations[last], self._lengths[last]
        if not self.generations:
            self._cache = []
        elif left:
            self._make_room(len(self), max(self._lengths), like=self._cache)

    def step(self) -> NDArray[np.float32]:
        """Feeds the last token of every sequence; float32[row, vocabulary] of what may follow it."""
        rows = len(self)
        self._make_room(rows, max(self._lengths) + 1, like=self._cache)
        # The last token is chosen and not yet fed: it stands behind the row's columns, at the position of their number.
        lengths = np.array(self._lengths, dtype=np.int64)
        last = np.array([generation.output[-1] for generation in self.generations], dtype=np.int64)
        width = self._cache[0].shape[2]
        mask = np.ones((rows, width + 1), dtype=np.int64)
        mask[:, :width] = np.arange(width) < lengths[:, None]
        cache = [part[:rows] for part in self._cache]
        result = self._engine.forward(last[:, None], lengths[:, None], mask, cache)
        for part, column in zip(cache, result.columns, strict=True):
            part[np.arange(rows), :, lengths] = column[:, :, 0]
        self._lengths = [length + 1 for length in self._lengths]
        return result.logits[:, -1]

    def _make_room(self, rows: int, columns: int, *, like: KeyValues) -> None:
        """Sees to it that the cache has so many rows and columns, and not many more.

        Args:
            rows: Sequences.
            columns: Tokens of the longest.
            like: A cache of the same model.
        """
        has_rows, has_columns = self._cache[0].shape[::2] if self._cache else (0, 0)
        wanted_columns = -(-columns // _ROOM) * _ROOM
        if rows <= has_rows and columns <= has_columns <= wanted_columns + _ROOM:
            return
        rows = rows if rows <= has_rows else max(rows, min(2 * has_rows, rows + _ROOM))
        grown = [np.zeros((rows, part.shape[1], wanted_columns, part.shape[3]), dtype=np.float32) for part in like]
        kept_rows, kept_columns = min(rows, has_rows, len(self)), min(wanted_columns, has_columns)
        for new, old in zip(grown, self._cache, strict=False):
            new[:kept_rows, :, :kept_columns] = old[:kept_rows, :, :kept_columns]
        self._cache = grown
