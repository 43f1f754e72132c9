"""Audits of LLM inference providers by Token-DiFR: do a provider's tokens diverge from a trusted reference?

Records and errors are loaded with the package; everything else on first use, so that ``import token_difr`` costs NumPy and
the native core and no more. The public names stand in ``__init__.pyi``, and nowhere else.

Rooms are nouns (``scores``), functions are verbs (``score``), so that no module hides a function. The one exception is a
path of token-difr 0.1, :mod:`token_difr.audit`: see the end of this module.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path

from token_difr.interrupts import is_command_line, leave_at_once

if is_command_line():  # NumPy, which is loaded next, takes a second on a busy machine
    leave_at_once()
del is_command_line, leave_at_once

# ruff: noqa: E402
from token_difr import errors as errors
from token_difr import records as records
from token_difr._core import __version__ as __version__


@cache
def _homes() -> dict[str, str]:
    """Public name -> the module that has it."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = (node for node in stub.body if isinstance(node, ast.ImportFrom) and node.module is not None)
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def __getattr__(name: str) -> object:
    if name == "__all__":
        return sorted([*_homes(), "__version__"])
    if name.startswith("__") or name not in _homes():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_homes()[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_homes()})


# token-difr 0.1 has a module under the name of our function ``audit``. Python binds a module to its package when it is
# first loaded, and never again: loaded here and let go of, it stays importable, and the name is the function's.
import_module("token_difr.audit")
del globals()["audit"]
