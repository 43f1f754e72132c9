"""Where each token starts in the text."""

from __future__ import annotations

import codecs

from token_difr.server.generation.text.detokenize import IncrementalDecoder
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["TextOffsets"]


class TextOffsets:
    """Counts the characters before each token of one text.

    Tokens that share a character have the same offset: the place where that character starts. Byte-level tokenizers
    are counted from bytes, which is quick; for others the text is decoded token by token.

    Args:
        tokenizer: Gives bytes and texts.
    """

    def __init__(self, tokenizer: ModelTokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace") if tokenizer.byte_level else None
        self._pieces = IncrementalDecoder(tokenizer, skip_special_tokens=False)
        self._offset = 0

    def next(self, token_id: int, *, skip_special_tokens: bool) -> int:
        """The offset of the next token; a special token that is skipped has no text."""
        offset = self._offset
        if skip_special_tokens and self._tokenizer.is_special(token_id):
            return offset
        if self._bytes is None:
            self._offset += len(self._pieces.push(token_id))
        else:
            self._offset += len(self._bytes.decode(self._tokenizer.token_bytes(token_id)))
        return offset
