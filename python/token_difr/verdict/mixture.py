"""Which share of the requests is answered by something else than the honest model: a mixture, from one token a near tie.

**Whatever it is** flips a tie with a probability of 1 at most, so that the share is at least by how much more often a provider flips
than an honest one: the one-sided 95 % bound of that difference is a bound of the share, and needs no model of what is mixed in.

**Where it is weights of 4 bits or fewer, or another model**, each answer is a draw from (1 - s) H + s D: H of an honest provider by
the curve of honest runs, D of the curves of that kind (:mod:`~token_difr.verdict.tie_kinds`; a flat share of 50 to 80 % of the
ties, 45 % of them to neither of the two likeliest tokens). The likelihood is profiled over these curves: the interval holds every share that
some curve makes at least exp(-2.7) as likely as the best pair of share and curve (chi-square of one degree, 98 %: of few flips that
is rough, and held 94 % or more from a share of 2 % on, in drawn audits of 500 ties). What the kind leaves open makes it wide: a part of 20 % and one of 17 % from a worse model look alike.

As one kind among the others (:mod:`~token_difr.verdict.attribution`) a mixture is one of up to 60 %: 60 % of a curve that flips 80 % of the
ties flip as many as all of one that flips 50 %, and a larger part is not told from all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.verdict.tie_kinds import OF_FEW_BITS, shares_of

__all__ = ["Mixture", "least_share", "mixture_of"]

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]

GRID = np.linspace(0.0, 1.0, 201)
DROP = 2.7
"""Half the 98 % quantile of chi-square with one degree of freedom."""

NORMAL = 1.6449
"""One-sided 95 % quantile."""

MOST_MIXED = 0.6
"""What has a larger share is as if the other thing answered everything."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """The share of requests that weights of few bits, or another model, answered.

    Attributes:
        share: The likeliest one.
        low: Where its 95 % interval begins.
        high: Where it ends.
        ratio: How much likelier a mixture, its share and curve averaged, makes the answers than an honest provider does: the
            natural logarithm.
    """

    share: float
    low: float
    high: float
    ratio: float


def least_share(outcomes: Outcomes, honest: Outcomes) -> float:
    """The one-sided 95 % lower bound of the share that something else answers, in [0, 1], whatever it is.

    Args:
        outcomes: int8[ties] of the provider: 0 the reference's token, more any other, -1 where it was not asked.
        honest: The same of an honest run.
    """
    both = (outcomes >= 0) & (honest >= 0)
    differences = (outcomes[both] > 0).astype(np.float64) - (honest[both] > 0)
    if len(differences) < 2:
        return 0.0
    return max(0.0, float(differences.mean() - NORMAL * differences.std(ddof=1) / math.sqrt(len(differences))))


def mixture_of(gaps: Floats, outcomes: Outcomes, honest: Floats) -> Mixture:
    """The mixture of an honest provider and weights of few bits, or another model, that fits best.

    Args:
        gaps: float64[ties], in nats.
        outcomes: int8[ties]; 0 the reference's token, 1 its second one, 2 any other or none.
        honest: float64[ties]; the probability that an honest run flips.
    """
    alone, mixed_in = shares_of(gaps, honest, OF_FEW_BITS)
    at = np.arange(len(outcomes))
    ours = alone[outcomes, at]
    theirs = np.stack([each[outcomes, at] for each in mixed_in])
    likelihoods = np.stack([np.log((1 - s) * ours + s * theirs).sum(axis=1) for s in GRID], axis=1)
    profile = likelihoods.max(axis=0)
    inside = np.flatnonzero(profile >= profile.max() - DROP)
    mixed = likelihoods[:, (GRID > 0) & (GRID <= MOST_MIXED)]
    together = float(np.logaddexp.reduce(mixed, axis=None) - math.log(mixed.size) - np.log(ours).sum())
    return Mixture(
        share=float(GRID[int(profile.argmax())]),
        low=float(GRID[inside[0]]),
        high=float(GRID[inside[-1]]),
        ratio=together,
    )
