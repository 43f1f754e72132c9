"""The list of checks is whole, and every check says when it is a warning."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import token_difr.findings
from token_difr.findings import echo
from token_difr.findings.checks import CHECKS
from token_difr.reference import LocalReference, VllmEngineReference
from token_difr.reference.dialects import DIALECTS
from token_difr.tinker import TinkerReference

WITHOUT_ECHO = {"llama.cpp"}


def written_checks() -> Iterator[Any]:
    """Every public function of the room that takes evidence and gives one finding, or none."""
    for module in pkgutil.iter_modules(token_difr.findings.__path__, "token_difr.findings."):
        for _, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            hints = function.__annotations__
            if function.__module__ == module.name and not function.__name__.startswith("_"):
                yield from [function] * (hints == {"evidence": "Evidence", "return": "Finding | None"})


def test_every_check_is_listed_once() -> None:
    """One that is written and not listed would never run."""
    assert set(written_checks()) == set(CHECKS)
    assert len(CHECKS) == len(set(CHECKS))


def test_every_check_says_when_it_is_a_warning() -> None:
    """And what to do then; one that never is says so."""
    for check in CHECKS:
        assert "warning" in (check.__doc__ or ""), check.__name__


def test_the_echo_of_every_dialect_is_described() -> None:
    """How it is compared, but for those that echo nothing."""
    in_process = {str(each.dialect) for each in (LocalReference, VllmEngineReference, TinkerReference)}
    assert set(echo.CHECKS) == {*DIALECTS, *in_process} - WITHOUT_ECHO
