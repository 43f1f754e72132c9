"""The tests mirror the package: who looks for a room's tests finds them in the folder of its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import token_difr

TESTS = Path(__file__).parent
PACKAGE = Path(token_difr.__file__).parent
FOLDERS = sorted(
    file.parent.relative_to(TESTS) for file in TESTS.rglob("*") if file.suffix in {".py", ".json", ".jinja"}
)
ROOMS = sorted(file.parent.name for file in PACKAGE.glob("*/__init__.py"))

NO_ROOM = {
    Path(): "what is no room: the package as a whole, its modules without a room, and what several tests share",
    Path("captures"): "what real engines answered, read on every path that it fits",
    Path("contact"): "a short case of everything that other programs and people were seen to break, by kind",
    Path("end_to_end"): "audits from the first question to the verdict, through all rooms",
    Path("rng"): "the streams of the native core, which Python sees as one module",
}
"""Folders of tests that are no room of the package, and what they hold."""

TESTED_ELSEWHERE = {"testing": "what it has is what the tests of all other rooms are made with"}
"""Rooms without a folder of tests, and why."""

HISTORY = re.compile(r"bug|issue|regress|older|fix(es|ed)?(_|$)|legacy|_v\d|\d{3}")
"""In a file's name: when or why a test was written, instead of what it holds."""


@pytest.mark.parametrize("folder", sorted({folder for folder in FOLDERS if "data" not in folder.parts}), ids=str)
def test_every_folder_of_tests_is_a_room(folder: Path) -> None:
    """Of the same path, or one that is explained here; files that tests read lie in a folder ``data`` beside them."""
    assert folder in NO_ROOM or (PACKAGE / folder / "__init__.py").is_file()


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_tests(room: str) -> None:
    """In the folder of its name."""
    assert room in TESTED_ELSEWHERE or list((TESTS / room).rglob("test_*.py"))


@pytest.mark.parametrize("file", sorted(TESTS.rglob("test_*.py")), ids=lambda file: str(file.relative_to(TESTS)))
def test_every_file_says_what_it_holds(file: Path) -> None:
    """By its name, which tells no history, and in its first line."""
    assert not HISTORY.search(file.stem)
    assert file.read_text(encoding="utf-8").startswith('"""')
