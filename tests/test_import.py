"""What ``import token_difr`` costs, and what it offers."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import token_difr

HEAVY = ("fastapi", "onnx", "onnxruntime", "openai", "pydantic", "rich", "torch", "tqdm", "transformers", "typer")


def run(code: str) -> str:
    """Standard output of ``code`` in a fresh interpreter."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Only NumPy and the native core are loaded; scoring loads nothing more."""
    loaded = run(
        "import sys, token_difr\n"
        "token_difr.score(token_difr.TopKBatch.from_rows([[(1, -0.5)]], [1]))\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    assert loaded.strip() == "[]"


def test_references_need_no_engine() -> None:
    """Whoever asks a server needs nothing that runs models."""
    loaded = run(
        "import sys\nsys.modules.update(onnx=None, onnxruntime=None, torch=None)\n"
        "import token_difr.reference, token_difr.run.audit, token_difr.cli\nprint('there')"
    )

    assert loaded.strip() == "there"


@pytest.mark.parametrize("name", token_difr.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name of ``__all__`` can be imported."""
    assert hasattr(token_difr, name)


def test_public_names_are_listed_once_and_in_order() -> None:
    """``__all__`` is sorted as the linter sorts it: constants, classes, functions."""
    names = list(token_difr.__all__)

    assert len(set(names)) == len(names)
    assert set(names) <= set(dir(token_difr))


def test_unknown_names_are_attribute_errors() -> None:
    """A name that is not there says so, and names the package."""
    with pytest.raises(AttributeError, match="module 'token_difr' has no attribute 'scoer'"):
        token_difr.scoer  # type: ignore[attr-defined]  # noqa: B018


MODULES = sorted(module.name for module in pkgutil.walk_packages(token_difr.__path__, "token_difr."))
NEEDS_AN_EXTRA = {"token_difr.__main__", "token_difr.engine.torch"}


@pytest.mark.parametrize("name", [name for name in MODULES if name not in {*NEEDS_AN_EXTRA, "token_difr.audit"}])
def test_no_name_hides_a_module(name: str) -> None:
    """``import a.b.c as m`` gives the module, whatever a package imports from it under the same name."""
    module = importlib.import_module(name)
    package, _, last = name.rpartition(".")

    assert getattr(sys.modules[package], last, module) is module


def test_the_function_is_not_hidden_by_the_module_of_its_name() -> None:
    """``token_difr.audit`` is a module of token-difr 0.1 too: the package has the function, whatever was imported."""
    code = (
        "import token_difr.audit\n"
        "from token_difr.audit import audit_provider\n"
        "import token_difr.run.audit\n"
        "from token_difr import audit\n"
        "print(audit is token_difr.audit is token_difr.run.audit.audit, audit_provider is token_difr.audit_provider)"
    )

    assert run(code).strip() == "True True"
