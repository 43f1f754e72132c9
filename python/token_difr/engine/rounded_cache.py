"""An engine with a rounded memory, switched on deliberately: what an audit should find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.engine.protocol import Engine, ForwardPass, KeyValues

__all__ = ["RoundedCacheEngine"]


class RoundedCacheEngine:
    """Keeps keys and values as symmetric integers of a few bits, one scale for each head and token.

    The pass that makes them still sees the exact ones: what is rounded is the memory of earlier tokens.

    Args:
        engine: Runs the model.
        bits: Width of the integers, at least 2.
    """

    def __init__(self, engine: Engine, bits: int) -> None:
        self._engine = engine
        self._levels = np.float32(2 ** (bits - 1) - 1)

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        return self._engine.vocabulary_size

    def empty_cache(self) -> KeyValues:
        """The cache of one row that has seen nothing."""
        return self._engine.empty_cache()

    def forward(
        self,
        token_ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.int64],
        cache: KeyValues,
        *,
        logits_from: int = 0,
    ) -> ForwardPass:
        """Runs the model and rounds the keys and values of the new tokens."""
        result = self._engine.forward(token_ids, positions, mask, cache, logits_from=logits_from)
        return ForwardPass(result.logits, [self._round(part) for part in result.columns])

    def _round(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        # Symmetric integers: the largest of a vector becomes +-(2^(bits-1) - 1), so that no level is spent on one side only.
        scale = np.abs(values).max(axis=-1, keepdims=True) / self._levels
        scale = np.where(scale == 0, np.float32(1), scale)
        rounded: NDArray[np.float32] = np.rint(values / scale) * scale
        return rounded.astype(np.float32)
