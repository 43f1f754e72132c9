"""Text of a growing output, token by token."""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.server.model.tokenizer import CONTEXT, ModelTokenizer

__all__ = ["IncrementalDecoder"]

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class IncrementalDecoder:
    """Decodes cumulatively and holds back what may still change.

    Two decodes of a short window are compared: the tokens whose text is already out, and those with the new ones
    behind them. What the second has more is new text, unless it ends in U+FFFD: then bytes of a character are missing.
    The pieces joined, :meth:`flush` included, are the text of all tokens decoded at once, behind the ``context``.

    Args:
        tokenizer: Gives the text of tokens.
        skip_special_tokens: Leave special tokens out.
        context: Tokens ahead of the first one, whose text is out.
    """

    def __init__(
        self, tokenizer: ModelTokenizer, *, skip_special_tokens: bool = True, context: Sequence[int] = ()
    ) -> None:
        self._tokenizer = tokenizer
        self._skip_special_tokens = skip_special_tokens
        self._window = list(context[-CONTEXT:])
        if self._decode(self._window).endswith(_REPLACEMENT):  # it ends inside a character
            self._window = []
        self._settled = len(self._window)

    def push(self, token_id: int) -> str:
        """The text that one more token makes certain; may be empty."""
        if self._skip_special_tokens and self._tokenizer.is_special(token_id):
            return ""
        self._window.append(token_id)
        text = self._decode(self._window)
        known = self._decode(self._window[: self._settled])
        if len(text) <= len(known) or text.endswith(_REPLACEMENT):
            return ""
        del self._window[: self._settled]
        self._settled = len(self._window)
        return text[len(known) :]

    def flush(self) -> str:
        """What was held back, at the end of the output."""
        text = self._decode(self._window)
        known = self._decode(self._window[: self._settled])
        self._settled = len(self._window)
        return text[len(known) :]

    def _decode(self, token_ids: list[int]) -> str:
        return self._tokenizer.decode(token_ids, skip_special_tokens=False) if token_ids else ""
