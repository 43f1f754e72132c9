"""What a deviating provider of a campaign most likely serves: the nearest of the known kinds, or several, or none of them.

The kinds are those of :mod:`~token_difr.verdict.tie_kinds`, and a mixture (:mod:`~token_difr.verdict.mixture`). A kind is named if it makes
the answers at least a twentieth as likely as the likeliest kind does: of several that are named, the ties do not tell which it
is. Every shape is a rough one, and many ties show that of any: so a model without a shape, which fits whatever there is, makes it
*unknown* only if it is better by more than a twentieth of a nat a tie.
"""

from __future__ import annotations

from collections.abc import Mapping

from token_difr.verdict.tie_kinds import LEAST_ODDS, OF_FEW_BITS, UNKNOWN

__all__ = ["MIXED", "attributed"]

MIXED = f"in part of the requests {OF_FEW_BITS}"
MISFIT = 0.05
"""Nats a tie."""

MOST_NAMED = 2
"""Of more kinds than that none is named."""


def attributed(ratios: Mapping[str, float], ties: int) -> tuple[str, ...]:
    """The kinds that may be, the likeliest one first; ``UNKNOWN`` alone where none fits, or too many do.

    Args:
        ratios: By kind, how much likelier than an honest provider it makes the answers, as a natural logarithm; that of the model
            without a shape by ``UNKNOWN``.
        ties: How many were asked.
    """
    kinds = sorted((kind for kind in ratios if kind != UNKNOWN), key=lambda kind: -ratios[kind])
    best = ratios[kinds[0]]
    if ratios.get(UNKNOWN, best) - best > MISFIT * ties:
        return (UNKNOWN,)
    near = tuple(kind for kind in kinds if best - ratios[kind] < LEAST_ODDS)
    return near if len(near) <= MOST_NAMED else (UNKNOWN,)
