"""Keys and values of prompt beginnings that were fed before.

In a causal model the keys and values of column j depend on the tokens 0 to j alone. So a chunk of columns is known by
all tokens up to its end, and it serves every prompt that begins with them.

Equal tokens give equal numbers only up to rounding: kernels add in an order that depends on the shape of the pass.
Prompts are fed in chunks that end at fixed multiples of one size (``prefill.py``), so the passes before a boundary have
the same shapes in every prompt, and what stands in the cache is, to the bit, what feeding it again would give: hits save
time and never change a result.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from token_difr.engine import KeyValues

__all__ = ["PrefixCache"]


class PrefixCache:
    """Least recently used chunks, each known by all tokens up to its end.

    Args:
        chunk_size: Tokens of a chunk.
        max_bytes: Size of the keys and values that are kept at most; 0 = keep nothing.
    """

    def __init__(self, chunk_size: int, max_bytes: int) -> None:
        self._chunk_size = chunk_size
        self._max_bytes = max_bytes
        self._bytes = 0
        self._chunks: OrderedDict[bytes, KeyValues] = OrderedDict()

    def __len__(self) -> int:
        return len(self._chunks)

    def find(self, prompt: Sequence[int]) -> tuple[int, KeyValues] | None:
        """The longest known beginning that leaves at least the prompt's last token to feed.

        Returns:
            Its length in tokens and its keys and values; None if nothing is known.
        """
        found: list[KeyValues] = []
        keys = []
        # Boundaries below len(prompt) only: the last token must be fed, its logits choose the first one of the output.
        for end in range(self._chunk_size, len(prompt), self._chunk_size):
            key = _key(prompt[:end])
            if key not in self._chunks:
                break
            keys.append(key)
            found.append(self._chunks[key])
        # Later chunks are of no use without the earlier ones, so these are touched last and kept longest.
        for key in reversed(keys):
            self._chunks.move_to_end(key)
        if not found:
            return None
        return len(found) * self._chunk_size, [np.concatenate(parts, axis=2) for parts in zip(*found, strict=True)]

    def add(self, prompt: Sequence[int], end: int, columns: KeyValues) -> None:
        """Keeps the chunk of a prompt that ends before token ``end``; other ends than chunk boundaries are ignored.

        Args:
            prompt: Token ids.
            end: Tokens fed so far.
            columns: One row, the chunk's columns.
        """
        if end % self._chunk_size or not self._max_bytes:
            return
        key = _key(prompt[:end])
        if key not in self._chunks:
            self._chunks[key] = [np.ascontiguousarray(part) for part in columns]
            self._bytes += _size(self._chunks[key])
        self._chunks.move_to_end(key)
        while self._bytes > self._max_bytes:
            self._bytes -= _size(self._chunks.popitem(last=False)[1])


def _size(chunk: KeyValues) -> int:
    return sum(part.nbytes for part in chunk)


def _key(tokens: Sequence[int]) -> bytes:
    return np.asarray(tokens, dtype=np.int64).tobytes()
