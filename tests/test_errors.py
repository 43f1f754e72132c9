"""Errors that several rooms raise say which of two things is wrong."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

import pytest

from token_difr.errors import InputError
from token_difr.reference import VllmEngineReference
from token_difr.tinker.sdk import check_installed


class Refusing(importlib.abc.MetaPathFinder):
    """Lets the import of one package fail."""

    def __init__(self, package: str, error: ImportError) -> None:
        self._package = package
        self._error = error

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Fails for the package; knows no other."""
        if fullname == self._package:
            raise self._error
        return None


def import_torch() -> object:
    """What every model on torch begins with."""
    from token_difr.engine.torch_model import import_torch

    return import_torch("a local model", "token-difr[torch]")


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("torch", import_torch),
        ("vllm", lambda: VllmEngineReference("m")),
        ("tinker", lambda: check_installed("provider")),
    ],
)
def test_a_package_that_is_missing_or_broken(
    package: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is to be installed; what is there and fails is not, and says why."""
    monkeypatch.delitem(sys.modules, package, raising=False)
    missing = ModuleNotFoundError(f"No module named {package!r}", name=package)
    broken = ImportError("libcudart.so.12: cannot open shared object file")
    for error, words in (
        (missing, rf"needs {package}: pip install"),
        (broken, "is installed and cannot be .*libcudart"),
    ):
        monkeypatch.setattr(sys, "meta_path", [Refusing(package, error), *sys.meta_path])
        with pytest.raises(InputError, match=words) as caught:
            use()
        assert ("pip install" in str(caught.value)) == (error is missing)
        monkeypatch.undo()
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.undo()
