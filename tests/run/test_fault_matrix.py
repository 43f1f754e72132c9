"""A few cells of the fault matrix; ``scripts/fault_matrix.py`` prints all of them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def matrix(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    return importlib.import_module("fault_matrix")


@pytest.mark.parametrize(
    "only",
    [
        "cut off in the middle",
        "wrong key (401) preflight",
        "an error in 200 reference",
        "byte flipped",
        "full disk",
        "Ctrl-C",
    ],
)
def test_what_breaks_is_said_and_goes_on(only: str, matrix: Any) -> None:
    """One clear line, nothing paid for is lost, and the same command goes on."""
    cells = list(matrix.cells(only))
    assert cells
    assert {(cell.fault, cell.stage): cell.failures for cell in cells if cell.failures} == {}


def test_a_cell_can_fail(matrix: Any) -> None:
    """An audit that forgets what had arrived is told so."""
    world = matrix.World()
    assert matrix.said(matrix.Done(70, "", "token-difr: internal error\nTraceback"), 2)
    assert not matrix.said(matrix.Done(2, "", "token-difr: it broke\n"), 2)
    assert world.answer(matrix.CHAT, {"messages": [{"content": "a"}], "model": "m"}, "collect-0").status == 200
    assert len(set(matrix.REPLIES) | set(matrix.ROWS) | set(matrix.FILES)) * len(matrix.STAGES) >= 60
