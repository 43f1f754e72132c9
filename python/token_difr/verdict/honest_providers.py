"""What honest runs say of honest providers: how likely they flip a tie, and by which factor their odds to flip one differ.

**The factor.** Of the ties at which two runs differ, the one alone flips at ``a`` and the other alone at ``b``. Whatever the ties,
a / b estimates the ratio of their odds, if that is the same at all ties: of a pair that differs it is the odds of which one flips
(McNemar). Its logarithm d has the variance 1 / a + 1 / b by chance alone. What it varies by beyond that is how providers differ: the
mean of d^2 less chance's part, over all pairs of runs, each with a weight of one over its variance by chance. The factor is the
exponential of its root, the odds ratio of two honest providers as they commonly are.

References:
    McNemar, Q. (1947): Note on the sampling error of the difference between correlated proportions or percentages.
    DerSimonian, R. and Laird, N. (1986): Meta-analysis in clinical trials (the moments).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.verdict.flip_curves import FlipCurve, Floats, fitted_curve

__all__ = ["HonestProviders", "honest_providers", "honest_spread"]

Flips = npt.NDArray[np.int8]
"""int8[ties] of a run: 1 where it gave another token than the reference, 0 where the same, -1 where it was not asked."""


class HonestProviders(NamedTuple):
    """What is known of them.

    Attributes:
        curve: How likely they flip a tie; None where nothing is known.
        spread: By which factor their odds to flip one differ, at least 1.
    """

    curve: FlipCurve | None = None
    spread: float = 1.0


def honest_providers(groups: Sequence[tuple[Floats, Sequence[Flips]]]) -> HonestProviders:
    """What honest runs say.

    Args:
        groups: Honest runs by the ties that they were asked: float64[ties], the gaps in nats, and the flips of each run.
    """
    runs = [(gaps[flips >= 0], flips[flips >= 0]) for gaps, group in groups for flips in group]
    if not runs:
        return HonestProviders()
    gaps, fell = (np.concatenate(column) for column in zip(*runs, strict=True))
    return HonestProviders(fitted_curve(gaps, fell), honest_spread(group for _, group in groups))


def honest_spread(groups: Iterable[Sequence[Flips]]) -> float:
    """The factor, at least 1; 1 where no two runs can be compared.

    Args:
        groups: Honest runs by the ties that they were asked.
    """
    beyond = total = 0.0
    for runs in groups:
        for one, other in itertools.combinations(runs, 2):
            asked = (one >= 0) & (other >= 0)
            # Half a tie more on each side: else none at all on one side would be infinite odds (Haldane).
            alone, other_alone = (
                0.5 + np.count_nonzero(asked & (each > beside)) for each, beside in ((one, other), (other, one))
            )
            chance = 1 / alone + 1 / other_alone
            beyond += math.log(alone / other_alone) ** 2 / chance - 1
            total += 1 / chance
    return math.exp(math.sqrt(max(0.0, beyond / total))) if total else 1.0
