"""What token-difr 0.1 had under this path, and the function of its name; new work imports them from the package."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from token_difr.compat.audit_provider import AuditResult, audit_provider
    from token_difr.run.audit import AuditRun, aaudit, audit

__all__ = ["AuditResult", "AuditRun", "aaudit", "audit", "audit_provider"]


def __getattr__(name: str) -> object:
    # On first use: the package imports this module early, see there.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("token_difr"), name)
