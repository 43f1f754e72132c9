"""What token-difr 0.1 had under this path; new work imports it from the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from token_difr.compat.audit_provider import AuditResult, audit_provider

__all__ = ["AuditResult", "audit_provider"]


def __getattr__(name: str) -> object:
    # On first use: the package imports this module early, see there.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from token_difr.compat import audit_provider

    return getattr(audit_provider, name)
