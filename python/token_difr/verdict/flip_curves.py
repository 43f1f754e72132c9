"""How likely a near tie falls the other way, over its gap: what honest runs showed, and what deviations are guessed to do.

A curve is the probability that a provider's token is not the reference's, at ties of each gap (nats). Of honest runs and of
weights that were rounded it falls with the gap: both move every logit a little, and a larger gap takes a larger move. Another
prompt or template moves logits by much more than any near tie's gap, so that its curve is nearly flat; so is that of a sampler
that takes another token now and then, at a small height.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from token_difr.records import HonestCurve
from token_difr.verdict.betting import Bettors

__all__ = ["FlipCurve", "fitted_curve", "tie_bettors"]

Floats = npt.NDArray[np.float64]

SCALES = (0.003, 0.01, 0.03, 0.1)
"""Nats: honest noise is guessed to flip half of the ties without a gap, and e times fewer behind each of these."""

DEVIATION_SCALES = (0.03, 0.1, 0.3)
"""The same of rounded weights."""

LEAST_HONEST = 0.01
"""No honest provider is guessed to be surer than that: a bet of nearly everything would be lost with one flip."""


class _Flat(NamedTuple):
    """A deviation that takes another token at this share of the ties, whatever their gaps."""

    share: float
    weight: float


FLAT = (_Flat(0.6, 3.0), _Flat(0.25, 1.0), _Flat(0.05, 0.5))
"""The first is 4-bit weights as well, or another prompt: it is found first, so that it has most of the wealth."""


class FlipCurve(NamedTuple):
    """How likely a tie falls the other way, over its gap: a step function that never rises.

    Attributes:
        gaps: float64[steps]; where each step begins, in nats, ascending.
        probabilities: float64[steps], descending.
    """

    gaps: Floats
    probabilities: Floats

    @classmethod
    def of(cls, record: HonestCurve) -> Self:
        """The curve of a report."""
        return cls(np.array(record.gaps), np.array(record.probabilities))

    def at(self, gaps: npt.ArrayLike) -> Floats:
        """float64, of the shape of ``gaps``; left of the first step its probability counts."""
        steps = np.searchsorted(self.gaps, np.asarray(gaps, np.float64), side="right") - 1
        curve: Floats = self.probabilities[np.maximum(steps, 0)]
        return curve


def fitted_curve(gaps: npt.ArrayLike, fell: npt.ArrayLike) -> FlipCurve:
    """The least-squares curve that never rises with the gap: pool adjacent violators.

    Args:
        gaps: float64[n]; of ties that honest runs answered, in nats. The same tie may stand there for several runs.
        fell: [n]; 1 where the answer fell the other way, else 0.

    Returns:
        The curve; 0.5 everywhere where there is no answer.

    References:
        Ayer, M. et al. (1955): An empirical distribution function for sampling with incomplete information.
    """
    gaps, fell = (np.asarray(values, np.float64) for values in (gaps, fell))
    if not gaps.size:
        return FlipCurve(np.zeros(1), np.full(1, 0.5))
    # Ties of one gap are one place, whoever answered them and in whatever order.
    places, which = np.unique(gaps, return_inverse=True)
    counts = np.bincount(which).astype(np.float64)
    blocks: list[tuple[float, float, float]] = []  # gap, sum and count, from the smallest gap on
    for place, value, number in zip(places, np.bincount(which, weights=fell), counts, strict=True):
        first, total, count = float(place), float(value), float(number)
        while blocks and blocks[-1][1] * count <= total * blocks[-1][2]:  # its mean is not above this one's
            first, before, others = blocks.pop()
            total, count = total + before, count + others
        blocks.append((first, total, count))
    starts, totals, numbers = (np.array(column, np.float64) for column in zip(*blocks, strict=True))
    return FlipCurve(starts, totals / numbers)


def tie_bettors(gaps: npt.ArrayLike, learnt: npt.ArrayLike | None = None, *, spread: float = 1.0) -> Bettors:
    """Bettors on every pair of an honest curve and a deviation.

    Args:
        gaps: float64[ties]; in nats, in the order in which they are asked.
        learnt: float64[ties]; an honest curve at these ties that was learnt from other runs than the two that are compared:
            half of the wealth bets on it. None = not known.
        spread: By which factor the odds of honest providers to flip a tie may differ, at least 1.
    """
    gaps = np.asarray(gaps, np.float64)
    guesses = [(0.5 * np.exp(-gaps / scale), scale, 1.0) for scale in SCALES]
    if learnt is not None:
        guesses.append((np.asarray(learnt, np.float64), 0.0, float(len(SCALES))))
    pairs = itertools.chain.from_iterable(
        _against(gaps, np.maximum(curve, LEAST_HONEST), scale, weight) for curve, scale, weight in guesses
    )
    honest, deviating, weights = (np.array(column) for column in zip(*pairs, strict=True))
    return Bettors(honest, deviating, weights, spread=spread)


def _against(gaps: Floats, honest: Floats, scale: float, weight: float) -> Iterator[tuple[Floats, Floats, float]]:
    for wider in DEVIATION_SCALES:
        if wider > scale:
            yield honest, np.maximum(0.5 * np.exp(-gaps / wider), honest), weight
    for share, part in FLAT:
        yield honest, honest + (1 - honest) * share if share < 0.5 else np.maximum(honest, share), weight * part
