"""What tokens spell, and other tokens that spell the same."""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.sequences import Tokenizer

__all__ = ["Speller"]

CONTEXT_TOKENS = 4
"""Tokens before a text that it is decoded with: some tokenizers drop the space at the start of what they decode."""
LONGEST_TOKEN = 24
"""Characters of a text that are looked at for a token that begins it."""
BROKEN = "\ufffd"
"""What a part of a character decodes to."""


class Speller:
    """A tokenizer, as cuts are made with it.

    Args:
        tokenizer: The model's tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._special: dict[int, bool] = {}
        self._single: dict[str, int | None] = {}
        self._alone: dict[int, str] = {}

    def texts(self, tokens: Sequence[int]) -> list[slice]:
        """The longest runs of tokens that are text; what is between them, special tokens, stays where it is."""
        runs, start = [], 0
        for end, token in enumerate([*tokens, None]):
            if token is None or self._is_special(token):
                runs += [slice(start, end)] if end > start else []
                start = end + 1
        return runs

    def spelled(self, context: Sequence[int], tokens: Sequence[int]) -> str:
        """The text of ``context`` and ``tokens`` together."""
        return self._tokenizer.decode([*context[-CONTEXT_TOKENS:], *tokens])

    def encoded(self, text: str) -> list[int]:
        """The tokenizer's own cut of ``text``, in which nothing becomes a special token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)) if text else []

    def may_begin(self, text: str, token: int) -> bool:
        """Whether ``token`` can spell the beginning of ``text``: quickly, and False only where it is certain.

        Alone, a token may lack the space ahead, and a part of a character is no text.
        """
        alone = self._alone.get(token)
        if alone is None:
            alone = self._alone[token] = self._tokenizer.decode([token]).lstrip(" ")
        return BROKEN in alone or text.lstrip(" ").startswith(alone)

    def beginnings(self, text: str) -> list[int]:
        """The tokens that the tokenizer writes for a beginning of ``text`` alone, one each."""
        found = []
        for end in range(1, min(len(text), LONGEST_TOKEN) + 1):
            beginning = text[:end]
            if beginning not in self._single:
                tokens = self.encoded(beginning)
                self._single[beginning] = tokens[0] if len(tokens) == 1 else None
            token = self._single[beginning]
            found += [] if token is None else [token]
        return found

    def _is_special(self, token: int) -> bool:
        known = self._special.get(token)
        if known is None:
            plain, shown = (self._tokenizer.decode([token], skip_special_tokens=skip) for skip in (True, False))
            known = self._special[token] = plain != shown
        return known
