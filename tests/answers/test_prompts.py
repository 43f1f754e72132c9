"""Prompt files: what is read, and what is refused with file and line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from token_difr.answers import check_prompts, read_prompts
from token_difr.errors import PromptError


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_forms(tmp_path: Path) -> None:
    """Each form of a line is a conversation; blank lines and a byte-order mark are skipped."""
    file = tmp_path / "prompts.jsonl"
    lines = [
        '\ufeff{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}], "id": 4}',
        "",
        '[{"role": "user", "content": "b"}]',
        '{"prompt": "c"}\r',
        '"d\u2028d"',
    ]
    file.write_text("\n".join(lines), "utf-8")
    system = {"role": "system", "content": "s"}
    assert read_prompts(file) == [[system, *user("a")], user("b"), user("c"), user("d\u2028d")]


def test_text_file(tmp_path: Path) -> None:
    """A .txt file holds one prompt a line, as it stands."""
    (tmp_path / "prompts.txt").write_bytes(b'first\r\n\n  "second"\n')
    assert read_prompts(tmp_path / "prompts.txt") == [user("first"), user('  "second"')]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "not JSON"),
        ("7", "a conversation is a text or a list"),
        ("[]", "a conversation is a text or a list"),
        ("{}", 'needs "messages" or "prompt"'),
        ('["a"]', "message 1 is not an object"),
        ('[{"role": "user"}]', 'message 1 has no text as "content"'),
        ('[{"role": "user", "content": [{"type": "image"}]}]', 'message 1 has no text as "content"'),
        ('" "', 'message 1 has no text as "content"'),
        ('"\\ud800"', "half a surrogate pair"),
        ('[{"role": "user", "content": "q", "name": "\\udc00"}]', "message 1 holds half a surrogate pair"),
        ('[{"role": "user", "content": "q", "x": {"\\ud800": 1}}]', "message 1 holds half a surrogate pair"),
        ('[{"role": "user", "content": "q", "x": [NaN]}]', "message 1 cannot be sent as JSON"),
        ('[{"role": "user", "content": "q", "x": -Infinity}]', "message 1 cannot be sent as JSON"),
        ("[" * 99999, "not JSON"),
        ('[{"role": "system", "content": "s"}]', "no user message"),
        (
            '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]',
            "last message must be the user's",
        ),
    ],
)
def test_bad_line(tmp_path: Path, line: str, words: str) -> None:
    """A line that is no conversation is an error with file and line."""
    file = tmp_path / "prompts.jsonl"
    file.write_text(f'"fine"\n{line}\n')
    with pytest.raises(PromptError, match=f"{file}, line 2: .*{words}"):
        read_prompts(file)


def test_bad_file(tmp_path: Path) -> None:
    """A file that is missing, empty, a folder or not UTF-8 is an error with its name."""
    (tmp_path / "empty").write_text("\n\n")
    (tmp_path / "latin").write_bytes(b'"\xe9"')
    for name, words in (
        ("none", "no prompt file"),
        ("empty", "no prompts"),
        ("latin", "not UTF-8"),
        (".", "cannot read"),
    ):
        with pytest.raises(PromptError, match=words):
            read_prompts(tmp_path / name)


def test_check_prompts() -> None:
    """Conversations that come from code are checked the same way, by index."""
    assert check_prompts([user("a"), "b"]) == [user("a"), user("b")]
    with pytest.raises(PromptError, match="no prompts"):
        check_prompts([])
    with pytest.raises(PromptError, match="prompt 1: the conversation has no user message"):
        check_prompts([user("a"), [{"role": "system", "content": "s"}]])


@pytest.mark.parametrize("extra", [{"x": object()}, {"x": {1, 2}}, {"x": math.nan}, {"x": b"bytes"}, {1: "one"}])
def test_what_json_cannot_hold(extra: dict[Any, Any]) -> None:
    """A message with Python's own objects in it is refused by index, as is a conversation that is one."""
    with pytest.raises(PromptError, match="prompt 0: message 1 cannot be sent as JSON"):
        check_prompts([[{"role": "user", "content": "q", **extra}]])
    with pytest.raises(PromptError, match="prompt 0: a conversation is a text or a list of messages"):
        check_prompts([extra])  # type: ignore[list-item]  # what a user may pass
