"""How many requests a repair may cost."""

from __future__ import annotations

__all__ = ["default_requests"]

SHARE_GREEDY = 0.1
SHARE_SAMPLED = 0.5
FEWEST = 20
"""About what the repair of a handful of sampled answers takes: a share of a small run would not pay for one."""


def default_requests(sequences: int, *, greedy: bool) -> int:
    """What a repair takes where all answers came as text, at least :data:`FEWEST`.

    At temperature 0 few answers are cut otherwise than by the tokenizer; drawn at random, one in five of 64 tokens is
    (docs/fidelity.md has the figures).

    Args:
        sequences: Of the run.
        greedy: Whether they were made at temperature 0.
    """
    return max(FEWEST, round((SHARE_GREEDY if greedy else SHARE_SAMPLED) * sequences))
