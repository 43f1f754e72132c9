"""Text of others, made safe to show.

What a provider sends may hold terminal escape sequences, bidirectional overrides or line breaks that forge the
lines of a report. Whatever is not plainly printable is shown as its escape.
"""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["printable", "text_of_page"]

LONGEST_PAGE = 20_000
"""Characters of a web page that are looked at."""

ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, *, longest: int = 60) -> str:
    r"""``text`` on one line, at most ``longest`` characters of it, every control character as its escape.

    >>> printable("a\x1b[31mb\n")
    'a\\x1b[31mb\\n'
    """
    shown = text[:longest]
    escaped = "".join(_escape(char) if unicodedata.category(char) in ESCAPED_CATEGORIES else char for char in shown)
    return escaped + ("…" if len(text) > longest else "")


def text_of_page(content: str) -> str | None:
    """What a web page says, its title first; None where the text is no web page.

    >>> text_of_page("<html><title>502</title><body><h1>Bad Gateway</h1></body></html>")
    '502: Bad Gateway'
    """
    page = content[:LONGEST_PAGE].removeprefix("\ufeff")
    if page.lstrip()[:1] != "<" or not re.search(r"(?i)<(!doctype html|html|head|body)\b", page):
        return None
    title = re.search(r"(?i)<title[^>]{0,200}>([^<]*)", page)
    rest = re.sub(r"(?is)<(script|style|title)\b.*?(</\1\s*>|$)|<!--.*?(-->|$)", " ", page)
    parts = [title[1] if title else "", re.sub(r"<[^>]*>?", " ", rest)]
    return ": ".join(words for part in parts if (words := " ".join(html.unescape(part).split())))


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
