"""Text to token ids and back, on the ``tokenizers`` library alone (it loads in a fiftieth of a second)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from token_difr.errors import InputError

__all__ = ["CONTEXT", "ModelTokenizer"]

CONTEXT = 8
"""Tokens that are decoded ahead of others: more than one character and one special token take."""

_KEEPING = {"ByteLevel", "Split", "Metaspace", "Digits", "Punctuation", "Prepend", "NFC"}
"""Steps before the model that keep every byte of a text, but for NFC."""
_LONG_TEXT = 2**15
"""Characters or tokens from which a text goes through the library's batches."""
_NORMALIZED = 4
"""NFC joins a letter and its marks, at most so many bytes to one."""


class ModelTokenizer:
    """A model's tokenizer.

    Args:
        tokenizer: A ``tokenizers.Tokenizer``.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        # A file may ask for both, for training: here they would score another prompt than was sent.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._token_texts: dict[int, str] = {}
        self._token_bytes: dict[int, bytes] = {}
        self._added: dict[int, Any] = self._tokenizer.get_added_tokens_decoder()
        described = json.loads(self._tokenizer.to_str())
        self._json = {name: described[name] for name in ("normalizer", "pre_tokenizer")}
        decoder = json.dumps(described["decoder"])
        self.byte_level = '"ByteLevel"' in decoder
        self._byte_fallback = '"ByteFallback"' in decoder
        # Byte-level decoders drop nothing, wherever a token stands.
        self._anchor: list[int] = [] if self.byte_level else self.encode("a", add_special_tokens=False)

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """Reads ``tokenizer.json``.

        Raises:
            InputError: The file is missing.
        """
        from tokenizers import Tokenizer

        file = folder / "tokenizer.json"
        if not file.is_file():
            raise InputError(f"{folder}: no tokenizer.json; save the tokenizer in its fast form first")
        return cls(Tokenizer.from_file(str(file)))

    @property
    def size(self) -> int:
        """Number of ids that stand for a token, added tokens included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @cached_property
    def longest_token_bytes(self) -> int | None:
        """Most bytes of text that one token can stand for; None where some stand for any number.

        Bytes are counted off the pieces. It needs every byte to be in some token, so nothing that drops or shortens text.
        """
        steps = _types(self._json["normalizer"]) | _types(self._json["pre_tokenizer"])
        drops = any(token.lstrip or token.rstrip for token in self._added.values())
        if not (self.byte_level or self._byte_fallback) or drops or not steps <= _KEEPING:
            return None
        pieces = self._tokenizer.get_vocab(with_added_tokens=True)
        longest = max((len(piece) if self.byte_level else len(piece.encode()) for piece in pieces), default=1)
        added = max((len(token.content.encode()) for token in self._added.values()), default=1)
        return max(longest, added) * (_NORMALIZED if "NFC" in steps else 1)

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """The ids of a text; special tokens written in it become their ids."""
        if len(text) < _LONG_TEXT:
            return list(self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids)
        # Only batches leave the interpreter to other threads, and a text of megabytes takes seconds.
        [encoded] = self._tokenizer.encode_batch_fast([text], add_special_tokens=add_special_tokens)
        return list(encoded.ids)

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool = True) -> str:
        """The text of ids; incomplete UTF-8 and ids without a token show as U+FFFD or as nothing."""
        ids = list(token_ids)
        if len(ids) < _LONG_TEXT:
            return str(self._tokenizer.decode(ids, skip_special_tokens=skip_special_tokens))
        [text] = self._tokenizer.decode_batch([ids], skip_special_tokens=skip_special_tokens)
        return str(text)

    def decode_behind(
        self, context: Sequence[int], token_ids: Sequence[int], *, skip_special_tokens: bool = True
    ) -> str:
        """The text of ids that stand behind others: a decoder may drop the space of a text's first token, and of no other.

        Special tokens of the context stay: what follows one is no beginning of a text either.
        """
        head = list(context[-CONTEXT:])
        kept = [token for token in token_ids if not (skip_special_tokens and self.is_special(token))]
        before, whole = (self.decode(ids, skip_special_tokens=False) for ids in (head, [*head, *kept]))
        # A context that ends inside a character, which the ids complete, has another text alone.
        return whole[len(before) :] if whole.startswith(before) else self.decode(kept, skip_special_tokens=False)

    def token_text(self, token_id: int) -> str:
        """The text of one token within a text, special tokens written out."""
        text = self._token_texts.get(token_id)
        if text is None:
            text = self._token_texts[token_id] = self.decode_behind(self._anchor, [token_id], skip_special_tokens=False)
        return text

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that a token stands for: those of byte-level pieces are exact even inside a character."""
        known = self._token_bytes.get(token_id)
        if known is None:
            known = self._token_bytes[token_id] = self._find_bytes(token_id)
        return known

    def _find_bytes(self, token_id: int) -> bytes:
        piece: str | None = self._tokenizer.id_to_token(token_id)
        if piece is None:
            return b""
        if token_id not in self._added:
            if self.byte_level:
                return bytes(_byte_of_character()[character] for character in piece)
            if self._byte_fallback and re.fullmatch("<0x[0-9A-F]{2}>", piece):
                return bytes([int(piece[3:5], 16)])
        return self.token_text(token_id).encode()

    def is_special(self, token_id: int) -> bool:
        """Whether a token is left out of text by ``skip_special_tokens``."""
        return token_id in self._added and bool(self._added[token_id].special)

    def token_id(self, token: str) -> int | None:
        """The id of a token by its piece, such as ``<|im_end|>``."""
        found: int | None = self._tokenizer.token_to_id(token)
        return found


def _types(step: Any) -> set[str]:
    """The types of a normalizer or a pre-tokenizer and of its parts; a splitter that drops what it finds is one of its own."""
    if not isinstance(step, dict):
        return set()
    parts = [part for name in ("normalizers", "pretokenizers") for part in step.get(name, ())]
    if parts:
        return set().union(*map(_types, parts))
    return {"Removed"} if step.get("behavior") == "Removed" else {str(step["type"])}


@cache
def _byte_of_character() -> dict[str, int]:
    """GPT-2's table: printable bytes stand for themselves, the others for the characters from 256 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + place): byte for place, byte in enumerate(others)}
