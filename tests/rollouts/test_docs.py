"""The page on rollouts names tests: they are there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "rollouts.md"


def test_every_promise_has_its_test() -> None:
    """Each test that the table names exists."""
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 25
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (HERE / file).is_file() or (test and f"def {test}(" not in (HERE / file).read_text(encoding="utf-8"))
    ]
    assert missing == []
