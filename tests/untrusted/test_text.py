"""Provider text must not be able to forge a report."""

from __future__ import annotations

import pytest

from token_difr.untrusted import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("été 漢字 🙂", "été 漢字 🙂"),
        ("\x1b[2J\x1b[31mconsistent", r"\x1b[2J\x1b[31mconsistent"),
        ("a\r\nverdict: consistent", r"a\r\nverdict: consistent"),
        ("\u202egnol", r"\u202egnol"),
        ("\u2028", r"\u2028"),
        ("\ud800", r"\ud800"),
        ("x" * 100, "x" * 60 + "…"),
    ],
)
def test_text_is_shown_on_one_line_without_control_characters(text: str, shown: str) -> None:
    """Escape sequences, line breaks, bidirectional overrides and lone surrogates become visible."""
    assert printable(text) == shown
