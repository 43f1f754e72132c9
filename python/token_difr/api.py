"""What token-difr 0.1 had under this path; new work imports it from the package."""

from token_difr.compat.verify import verify_outputs_api, verify_outputs_fireworks, verify_outputs_tinker

__all__ = ["verify_outputs_api", "verify_outputs_fireworks", "verify_outputs_tinker"]
