"""Text in its context.

Tokenizers of the SentencePiece kind drop the space of a text's first token. An answer is no beginning of a text: the
prompt stands before it. So its tokens are decoded behind the prompt's last ones, and its text is encoded to tokens which
decode to it there.
"""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.sequences.rendering import Tokenizer

__all__ = ["decode_behind", "encode_behind", "encode_without_space", "well_formed"]

CONTEXT = 8
"""Tokens of the prompt that are decoded with an answer: more than one character and one special token take."""


def decode_behind(context: Sequence[int], token_ids: Sequence[int], tokenizer: Tokenizer) -> str:
    """The text of tokens that stand behind others, special tokens included."""
    head = list(context[-CONTEXT:])
    before, whole = tokenizer.decode(head), tokenizer.decode([*head, *token_ids])
    # A context that ends inside a character, which the tokens complete, has another text alone.
    return whole[len(before) :] if whole.startswith(before) else tokenizer.decode(list(token_ids))


def encode_behind(context: Sequence[int], text: str, tokenizer: Tokenizer, *, special: bool) -> list[int]:
    """Token ids of a text that stands behind ``context``; special tokens that it spells count only if ``special``."""

    def encoded(part: str) -> list[int]:
        return list(tokenizer.encode(part, add_special_tokens=False, split_special_tokens=not special))

    ids = encoded(text)
    if not text.startswith(" ") or not context or decode_behind(context, ids, tokenizer) == text:
        return ids
    # The tokenizer adds a space to every text that it encodes: the text's own first one is that space.
    other = encoded(text[1:])
    return other if decode_behind(context, other, tokenizer) == text else ids


def encode_without_space(text: str, tokenizer: Tokenizer) -> list[int] | None:
    """Token ids of a text without the space that the tokenizer adds to it; None where it adds none.

    A text that was decoded alone may have lost the space of its first word, or may have had none: it does not tell.
    """

    def encoded(part: str) -> list[int]:
        return list(tokenizer.encode(part, add_special_tokens=False, split_special_tokens=True))

    line, lines = encoded("\n"), encoded(f"\n{text}")
    if not text or text.startswith(" ") or lines[: len(line)] != line:
        return None
    return lines[len(line) :] if decode_behind(line, encoded(text), tokenizer) == f" {text}" else None


def well_formed(text: str) -> str:
    """``text`` with lone surrogates, which JSON may hold and no tokenizer takes, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
