"""The page on rollouts names tests: they are there."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "rollouts.md"


def test_every_promise_has_its_test() -> None:
    """Each test that the table names exists."""
    named = [
        (TESTS / (folder or "rollouts") / file, test)
        for folder, file, test in re.findall(
            r"`(?:(\w+)/)?(test_\w+\.py)(?:::(test_\w+))?`", PAGE.read_text(encoding="utf-8")
        )
    ]
    assert len(named) > 25
    missing = [
        f"{file.relative_to(TESTS)}::{test}"
        for file, test in named
        if not file.is_file() or (test and f"def {test}(" not in file.read_text(encoding="utf-8"))
    ]
    assert missing == []
