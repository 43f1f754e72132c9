"""The seeded noise of the server: by default the stream of torch's ``exponential_`` on a CPU (torch 2.7 and later).

One mt19937 generator a sequence, seeded with the low 32 bits of the request's seed. Each token takes one row of
``vocabulary`` values in the order of the ids, and each value takes two 32-bit words, the high one first:

    u = ((high << 32 | low) mod 2^53) / 2^53
    q = float32(-log1p(-u))          an exponential variate
    g = -ln q                        a Gumbel variate

so that arg-max(logits / T + g) is torch's arg-max(softmax(logits / T) / q), as in ``torch.multinomial`` and in
Hugging Face's ``generate``. A stream is a contract: the same seed gives the same noise in every release.

The streams of other engines are drawn by :meth:`token_difr.Sampler.gumbel`, for the whole vocabulary at a time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.sampler import Sampler

__all__ = ["GumbelNoise", "KeyedNoise"]

_WORDS = 624
_INIT_MULTIPLIER = 1812433253
_MANTISSA = np.uint64((1 << 53) - 1)


class GumbelNoise:
    """The noise of one sequence: each call of :meth:`next_row` gives that of the next token.

    Args:
        seed: Any integer; its low 32 bits count.
        vocabulary_size: Width of the logits: the stream depends on it.
    """

    def __init__(self, seed: int, vocabulary_size: int) -> None:
        self._generator = _mt19937(seed)
        self._vocabulary_size = vocabulary_size

    def next_row(self) -> NDArray[np.float64]:
        """Gumbel noise, float64[vocabulary]; +inf where the exponential is 0."""
        words = self._generator.random_raw(2 * self._vocabulary_size).reshape(-1, 2)
        uniform = (((words[:, 0] << np.uint64(32)) | words[:, 1]) & _MANTISSA).astype(np.float64) * 2.0**-53
        exponential = (-np.log1p(-uniform)).astype(np.float32)
        with np.errstate(divide="ignore"):
            return -np.log(exponential.astype(np.float64))


class KeyedNoise:
    """The noise of one sequence in an engine's stream, at any of its tokens.

    Args:
        sampler: Names the stream.
        seed: Any integer.
        vocabulary_size: Width of the logits.
    """

    def __init__(self, sampler: Sampler, seed: int, vocabulary_size: int) -> None:
        self._sampler = sampler
        self._seed = seed
        self._columns = np.arange(vocabulary_size)

    def row(self, *, position: int, step: int) -> NDArray[np.float64]:
        """Gumbel noise, float64[vocabulary], of the token that follows ``position`` as output token ``step``."""
        key = step if self._sampler.keyed_by == "step" else position
        width = len(self._columns)
        rows = self._sampler.gumbel(seed=self._seed, positions=[key], token_ids=self._columns, vocab_size=width)
        return rows.reshape(-1)


def _mt19937(seed: int) -> np.random.MT19937:
    """The generator after the classic initialization by one 32-bit word (Matsumoto and Nishimura, 2002)."""
    state = [seed & 0xFFFFFFFF]
    for index in range(1, _WORDS):
        previous = state[-1]
        state.append((_INIT_MULTIPLIER * (previous ^ (previous >> 30)) + index) & 0xFFFFFFFF)
    generator = np.random.MT19937(0)
    key = np.array(state, dtype=np.uint32)
    generator.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": _WORDS}}
    return generator
