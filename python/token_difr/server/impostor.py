"""Deviations that are switched on deliberately: what an audit should find.

Each is plain and repeatable: what is drawn is drawn from a generator that the prompt's ids seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from token_difr.server.engine import Engine, ForwardPass, KeyValues

__all__ = ["RandomTokens", "RoundedCacheEngine", "TopKBug"]


class RandomTokens:
    """Replaces generated tokens by uniform random ids, as a faulty sampler would.

    Args:
        rate: Probability of a replacement, in [0, 1].
        prompt: Its ids seed the generator, so that runs repeat.
        vocabulary_size: Ids are drawn below it.
    """

    def __init__(self, rate: float, prompt: Sequence[int], vocabulary_size: int) -> None:
        self._rate = rate
        self._vocabulary_size = vocabulary_size
        self._generator = np.random.default_rng([len(prompt), *prompt])

    def replace(self, token: int) -> int:
        """The token, or at the rate another one in its place."""
        if self._generator.random() >= self._rate:
            return token
        return int(self._generator.integers(self._vocabulary_size))


class TopKBug:
    """Loses the likeliest token now and then, as an approximate top-k that misses its maximum.

    Args:
        rate: Probability of a loss at a token, in [0, 1].
        prompt: Its ids seed the generator, so that runs repeat.
    """

    def __init__(self, rate: float, prompt: Sequence[int]) -> None:
        self._rate = rate
        self._generator = np.random.default_rng([1 + len(prompt), *prompt])

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits, or at the rate the logits without their maximum."""
        if self._generator.random() >= self._rate:
            return logits
        logits = logits.copy()
        logits[logits.argmax()] = -np.inf
        return logits


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
        self, token_ids: NDArray[np.int64], positions: NDArray[np.int64], mask: NDArray[np.int64], cache: KeyValues
    ) -> ForwardPass:
        """Runs the model and rounds the keys and values of the new tokens."""
        result = self._engine.forward(token_ids, positions, mask, cache)
        old = mask.shape[1] - token_ids.shape[1]
        rounded = [np.concatenate([part[:, :, :old], self._round(part[:, :, old:])], axis=2) for part in result.cache]
        return ForwardPass(result.logits, rounded)

    def _round(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        scale = np.abs(values).max(axis=-1, keepdims=True) / self._levels
        scale = np.where(scale == 0, np.float32(1), scale)
        return (np.rint(values / scale) * scale).astype(np.float32)
