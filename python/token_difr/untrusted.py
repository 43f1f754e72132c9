"""Text of others, made safe to show.

What a provider sends may hold terminal escape sequences, bidirectional overrides or line breaks that forge the
lines of a report. Whatever is not plainly printable is shown as its escape.
"""

from __future__ import annotations

import unicodedata

__all__ = ["printable"]

ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, *, longest: int = 60) -> str:
    r"""``text`` on one line, at most ``longest`` characters of it, every control character as its escape.

    >>> printable("a\x1b[31mb\n")
    'a\\x1b[31mb\\n'
    """
    shown = text[:longest]
    escaped = "".join(_escape(char) if unicodedata.category(char) in ESCAPED_CATEGORIES else char for char in shown)
    return escaped + ("…" if len(text) > longest else "")


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
