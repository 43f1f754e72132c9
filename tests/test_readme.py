"""The README's Python runs, and prints what its comments say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_prints_what_its_comments_say() -> None:
    """Each ``print(...)  # value ...`` prints a line that the comment starts with."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert blocks
    for block in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, str(README), "exec"), {})  # noqa: S102 - our own document
        expected = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        lines = printed.getvalue().splitlines()
        assert len(lines) == len(expected)
        for line, comment in zip(lines, expected, strict=True):
            assert comment.startswith(line)
