"""In which order ties are asked until a verdict: at random, those that tell most mostly first.

A tie tells by how much a bet on it is expected to grow where weights were rounded to 8 bits, the finest deviation that is looked
for: honest providers flip those of the smallest gaps too, and such weights leave those of the largest alone. Coarser deviations
show at every gap. Pairs may change places given the tie, so an order that was fixed before anything was answered changes no error
rate. That the order is random beyond that lets the ties that were asked speak for others like them.

An order at random with weights: tie by tie the logarithm of its weight, with Gumbel noise, largest first (Plackett and Luce).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from token_difr.ties.tie import TieSet
from token_difr.verdict.betting import Bettors
from token_difr.verdict.flip_curves import LEAST_HONEST

__all__ = ["asking_order", "expected_growth", "in_order"]

Floats = npt.NDArray[np.float64]


HONEST_SCALE, ROUNDED_SCALE = 0.02, 0.1
"""Nats: half of the ties without a gap are flipped, and e times fewer behind each of these. So SmolLM2 came out in vLLM and
llama.cpp, and the demo's model; in ties that bfloat16 picked the same pair told soonest of some."""

NOISE = 0.3
"""Of the order: at 1, weights would be the odds of which one comes first."""


def expected_growth(gaps: npt.ArrayLike) -> Floats:
    """float64[ties]: what a bet on each tie is expected to add to the wealth's logarithm, the deviation being there.

    Args:
        gaps: float64[ties]; in nats.
    """
    gaps = np.asarray(gaps, np.float64)
    honest = np.maximum(0.5 * np.exp(-gaps / HONEST_SCALE), LEAST_HONEST)
    rounded = np.maximum(0.5 * np.exp(-gaps / ROUNDED_SCALE), honest)
    (bets,) = Bettors(honest[None], rounded[None], [1.0]).bets
    growth: Floats = rounded * (1 - honest) * np.log1p(bets) + honest * (1 - rounded) * np.log1p(-bets)
    return growth


def asking_order(gaps: npt.ArrayLike, seed: int) -> npt.NDArray[np.int64]:
    """int64[ties]: the places of ties in the order in which they are asked.

    Args:
        gaps: float64[ties]; in nats.
        seed: Of the order.
    """
    growth = expected_growth(gaps)
    noise = np.random.default_rng([seed, len(growth)]).gumbel(size=len(growth))
    return np.argsort(-(np.log(np.maximum(growth, 1e-12)) + NOISE * noise), kind="stable")


def in_order(ties: TieSet, seed: int) -> TieSet:
    """The same ties in that order."""
    order = asking_order([tie.gap for tie in ties.ties], seed)
    return replace(ties, ties=tuple(ties.ties[place] for place in order))
