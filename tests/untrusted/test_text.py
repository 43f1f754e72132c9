"""Provider text must not be able to forge a report."""

from __future__ import annotations

import pytest

from token_difr.untrusted import printable, text_of_page


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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<html><title>502 &amp; all</title><body><h1>Bad <b>Gateway</b></h1></body>", "502 & all: Bad Gateway"),
        ("\ufeff\n<!DOCTYPE html>\n<script>var x = '<b>';</script><p>Sign in", "Sign in"),
        ("<!-- a comment --><HTML><style>p {}</style>Blocked", "Blocked"),
        ("<html>", ""),
        ("<?xml version='1.0'?><Error>no</Error>", None),
        ("plain <html>", None),
        ("", None),
    ],
)
def test_what_a_page_says(content: str, words: str | None) -> None:
    """Its title and its text, without tags, scripts and styles; what is no page has none."""
    assert text_of_page(content) == words


@pytest.mark.parametrize("piece", ["<", "<!--", "<script>", "<title", "<title>", "<html ", "&#", "</script>"])
def test_pages_without_an_end(piece: str) -> None:
    """Only the beginning of a page is looked at, and each part of it a few times."""
    content = "<html>" + piece * (10**6 // len(piece))
    said = text_of_page(content)
    assert said is not None
    assert len(said) <= 40_100
