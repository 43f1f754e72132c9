"""How many tokens of a prompt go through an engine at once."""

from __future__ import annotations

__all__ = ["default_chunk_size"]

_LARGEST_CHUNK = 256
_LOGITS_BYTES = 2**26


def default_chunk_size(vocabulary_size: int) -> int:
    """Tokens of a chunk: at most 256, halved until its float32 logits take at most 64 MiB; at least 1."""
    # A pass gives float32[size, vocabulary], 4 bytes a value: 151,936 tokens take 0.58 MiB a row, so chunks of 64.
    size = _LARGEST_CHUNK
    while size > 1 and size * vocabulary_size * 4 > _LOGITS_BYTES:
        size //= 2
    return size
