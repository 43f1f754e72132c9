"""The text of one output while it grows: decoded, stopped, and released piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.server.generation.text.detokenize import IncrementalDecoder
from token_difr.server.generation.text.stop import StopMatcher
from token_difr.server.model.tokenizer import ModelTokenizer

__all__ = ["OutputText"]


class OutputText:
    """Released text is final: no stop string or incomplete character can change it any more.

    Args:
        tokenizer: Gives the text of tokens.
        stops: Strings that end the output; the earliest match counts and is cut off.
        include_stop: Keep the matched stop string at the end of the text.
        skip_special_tokens: Leave special tokens out of the text.
        context: The prompt's tokens.
    """

    def __init__(
        self,
        tokenizer: ModelTokenizer,
        stops: Sequence[str] = (),
        *,
        include_stop: bool = False,
        skip_special_tokens: bool = True,
        context: Sequence[int] = (),
    ) -> None:
        self._decoder = IncrementalDecoder(tokenizer, skip_special_tokens=skip_special_tokens, context=context)
        self._matcher = StopMatcher(stops, include=include_stop)
        self._pieces: list[str] = []
        self._closed = False

    def released_since(self, piece: int) -> tuple[str, int]:
        """The text of the pieces from ``piece`` on, and the number of pieces so far."""
        end = len(self._pieces)
        return "".join(self._pieces[piece:end]), end

    @property
    def released(self) -> str:
        """All text that is certain."""
        return self.released_since(0)[0]

    @property
    def stopped_by(self) -> str | None:
        """The stop string that ended the text."""
        return self._matcher.found

    def push(self, token: int, *, ended: bool, stops: bool = True) -> bool:
        """Takes a token; True when a stop string is complete.

        Args:
            token: Its id.
            ended: It ends the output and adds no text.
            stops: Stop strings count in its text; else it is text that no stop string can begin in.
        """
        text = self._decoder.flush() if ended else self._decoder.push(token)
        self._pieces.append(self._matcher.push(text) if stops else text)
        return self._matcher.found is not None

    def close(self) -> None:
        """Releases what was held back: no more tokens come."""
        if self._closed:
            return
        self._closed = True
        self._pieces.append(self._matcher.push(self._decoder.flush()))
        self._pieces.append(self._matcher.flush())
