"""What a tokenizer's tokens are called, for the core's table of names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from token_difr import _core
from token_difr.errors import InputError

__all__ = ["decoded", "vocabulary_of"]


def vocabulary_of(tokenizer: Any) -> _core.Vocabulary:
    """The names of all tokens.

    Args:
        tokenizer: A fast tokenizer of transformers, or a ``tokenizers.Tokenizer``.

    Raises:
        InputError: A tokenizer of another kind.
    """
    backend = _backend(tokenizer)
    size = max(backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1
    pieces = [backend.id_to_token(token) or "" for token in range(size)]
    texts = backend.decode_batch([[token] for token in range(size)], skip_special_tokens=False)
    own = backend.get_added_tokens_decoder()
    added = [token in own for token in range(size)]
    # Byte-level pieces are known by their decoder; a special token decodes to itself, whatever the decoder makes of it.
    texts = [own[token].content if token in own else text for token, text in enumerate(texts)]
    byte_level = '"ByteLevel"' in json.dumps(json.loads(backend.to_str())["decoder"])
    return _core.Vocabulary(pieces, texts, added, byte_level)


def decoded(tokenizer: Any, token_ids: Sequence[int]) -> str:
    """The text of tokens, special tokens written out."""
    return str(_backend(tokenizer).decode(list(token_ids), skip_special_tokens=False))


def _backend(tokenizer: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(backend, "decode_batch"):
        raise InputError("names of tokens need a fast tokenizer: one with a tokenizer.json")
    return backend
