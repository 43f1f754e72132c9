"""Thinking text, told apart from the answer by its tags."""

from __future__ import annotations

from typing import NamedTuple

from token_difr.server.generation.text.stop import overlap

__all__ = ["THINK_CLOSE", "THINK_OPEN", "ReasoningSplitter", "SplitText"]

THINK_OPEN = "<think>"
THINK_CLOSE = "</think>"


class SplitText(NamedTuple):
    """A piece of an answer."""

    reasoning: str
    content: str


class ReasoningSplitter:
    """Splits a growing text at ``<think>`` ... ``</think>``; the tags belong to neither part, all else stays as it is.

    Thinking is recognized at the start of the answer only, after white space at most.

    Args:
        opened: The prompt ends with the opening tag already.
    """

    def __init__(self, *, opened: bool) -> None:
        self._thinking = opened
        self._decided = opened
        self._held = ""

    def push(self, text: str) -> SplitText:
        """What more text makes certain."""
        self._held += text
        if not self._decided:
            start = self._held.lstrip()
            if len(start) < len(THINK_OPEN) and THINK_OPEN.startswith(start):
                return SplitText("", "")
            self._decided, self._thinking = True, start.startswith(THINK_OPEN)
            if self._thinking:
                self._held = start[len(THINK_OPEN) :]
        return self._split()

    def close(self) -> SplitText:
        """What was held back, once no more text comes."""
        self._decided = True
        held, self._held = self._held, ""
        return SplitText(held, "") if self._thinking else SplitText("", held)

    def _split(self) -> SplitText:
        if not self._thinking:
            content, self._held = self._held, ""
            return SplitText("", content)
        before, tag, after = self._held.partition(THINK_CLOSE)
        if tag:
            self._thinking, self._held = False, ""
            return SplitText(before, after)
        cut = len(before) - overlap(before, THINK_CLOSE)
        self._held = before[cut:]
        return SplitText(before[:cut], "")
