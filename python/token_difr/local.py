"""What token-difr 0.1 had under this path; new work imports it from the package."""

from token_difr.compat.local import verify_outputs

__all__ = ["verify_outputs"]
