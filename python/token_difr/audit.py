"""What token-difr 0.1 had under this path, and the function of its name; new work imports them from the package."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from token_difr.compat.audit_provider import AuditResult, audit_provider
    from token_difr.compat.openrouter import generate_openrouter_responses
    from token_difr.compat.openrouter_samples import tokenize_openrouter_responses
    from token_difr.compat.verify import verify_outputs_fireworks
    from token_difr.run.audit import AuditRun, aaudit, audit
    from token_difr.scores import compute_metrics_summary
    from token_difr.services import FIREWORKS_MODEL_REGISTRY, get_openrouter_name

__all__ = [
    "FIREWORKS_MODEL_REGISTRY",
    "AuditResult",
    "AuditRun",
    "aaudit",
    "audit",
    "audit_provider",
    "compute_metrics_summary",
    "generate_openrouter_responses",
    "get_openrouter_name",
    "tokenize_openrouter_responses",
    "verify_outputs_fireworks",
]


def __getattr__(name: str) -> object:
    # On first use: the package imports this module early, see there.
    if name == "audit":
        return _function()
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _named(name)


@cache
def _function() -> Any:
    """The function, with the module's names as its attributes: ``import token_difr.audit`` binds it, not this module."""
    function: Any = import_module("token_difr.run.audit").audit
    for name in __all__:
        if name != "audit":
            setattr(function, name, _named(name))
    return function


def _named(name: str) -> object:
    if name == "generate_openrouter_responses":
        return getattr(import_module("token_difr.openrouter_api"), name)
    return getattr(import_module("token_difr"), name)
