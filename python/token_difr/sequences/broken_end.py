"""The end of a text that was cut inside a character.

A length limit may fall between the tokens of one character. Servers show what there is of it in their own ways, or leave
it out; none of these is text that the model wrote, and what its tokens were is not known.
"""

from __future__ import annotations

import re

__all__ = ["REPLACEMENT", "has_broken_end", "without_broken_end"]

REPLACEMENT = "\ufffd"
"""What bytes that are no character decode to."""

BROKEN_END = re.compile(r"(?:\ufffd|[\ud800-\udfff]|<0x[89A-Fa-f][0-9A-Fa-f]>)+\Z")
"""U+FFFD of decoders that replace, half a surrogate pair of UTF-16, byte pieces that SentencePiece's joiner leaves."""


def has_broken_end(text: str) -> bool:
    """Whether ``text`` ends in what servers show of a part of a character."""
    return BROKEN_END.search(text) is not None


def without_broken_end(text: str) -> str:
    """``text`` up to the broken character."""
    return BROKEN_END.sub("", text)
