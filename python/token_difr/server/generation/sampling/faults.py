"""Faults of a sampler, switched on deliberately: what an audit should find.

Each is plain and repeatable: what is drawn is drawn from a generator that the prompt's ids seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_FAULTS", "RandomTokens", "SamplerFaults", "TopKBug"]


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


@dataclass(frozen=True, kw_only=True)
class SamplerFaults:
    """How often a sampler fails.

    Attributes:
        random_token_rate: Share of generated tokens that is replaced, in [0, 1].
        top_k_bug_rate: Share of tokens at which the likeliest one is lost, in [0, 1].
    """

    random_token_rate: float = 0.0
    top_k_bug_rate: float = 0.0

    def random_tokens(self, prompt: Sequence[int], vocabulary_size: int) -> RandomTokens | None:
        """The replacement for one sequence, if there is any."""
        return RandomTokens(self.random_token_rate, prompt, vocabulary_size) if self.random_token_rate else None

    def top_k_bug(self, prompt: Sequence[int]) -> TopKBug | None:
        """The loss for one sequence, if there is any."""
        return TopKBug(self.top_k_bug_rate, prompt) if self.top_k_bug_rate else None


NO_FAULTS = SamplerFaults()
