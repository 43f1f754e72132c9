"""Types are shipped: the marker that checkers look for, and a user's sample that leaves no public module out."""

from __future__ import annotations

import ast
from pathlib import Path

import token_difr

PACKAGE = Path(token_difr.__file__).parent
SAMPLE = Path(__file__).with_name("typed_sample.py")
NOT_IMPORTED = {"__init__", "__main__"}


def test_the_marker_is_there() -> None:
    """PEP 561's, beside the stub of the native core."""
    assert (PACKAGE / "py.typed").is_file()
    assert (PACKAGE / "_core.pyi").is_file()


def test_the_sample_has_every_public_module() -> None:
    """All rooms and all modules beside them, as ``make check`` type-checks it."""
    rooms = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    modules = {file.stem for file in PACKAGE.glob("*.py")} - NOT_IMPORTED
    imported = set()
    for node in ast.walk(ast.parse(SAMPLE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.removeprefix("token_difr.") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "token_difr":
            imported |= {alias.name for alias in node.names}

    assert rooms | modules <= imported
