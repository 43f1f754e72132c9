"""The most that a run's repair may ask the reference, by its record."""

from __future__ import annotations

from token_difr.records import Audit
from token_difr.segmentation import default_requests

__all__ = ["most_repair_requests"]


def most_repair_requests(audit: Audit) -> int:
    """By the part ``resegmented`` of an audit that states its prompts; where it is not stated, what is usual."""
    stated = audit.resegmented
    if stated is not None and stated.requests is not None:
        return stated.requests
    return default_requests(0 if audit.prompts is None else audit.prompts.count, greedy=audit.params.greedy)
