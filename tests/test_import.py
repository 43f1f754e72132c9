"""What ``import token_difr`` costs, and what it offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import token_difr

HEAVY = ("fastapi", "onnxruntime", "openai", "pydantic", "rich", "torch", "tqdm", "transformers", "typer")


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
        token_difr.scoer  # noqa: B018


@pytest.mark.parametrize("name", ["audit", "collect", "score", "tokenize"])
def test_a_function_is_not_hidden_by_the_module_of_its_name(name: str) -> None:
    """Whatever was imported before, the package has the function, and ``import from`` reaches the module."""
    code = f"import token_difr.{name}\nfrom token_difr import {name}\nprint(callable({name}))"

    assert run(code).strip() == "True"
