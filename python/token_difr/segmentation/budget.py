"""How many requests a repair may cost."""

from __future__ import annotations

__all__ = ["default_requests"]

SHARE = 0.1
FEWEST = 20
"""About what the repair of a handful of sampled answers takes: a tenth of a small run would not pay for one."""


def default_requests(sequences: int) -> int:
    """A tenth of the sequences, at least :data:`FEWEST`: little beside the audit's own requests."""
    return max(FEWEST, round(SHARE * sequences))
