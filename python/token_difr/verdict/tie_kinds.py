"""Of which kind a deviation is, by the shape of its flips over the gap and by which tokens it takes.

* *Rounding*, of weights or of the arithmetic, finer than 4 bits: it moves logits by little, so that flips fall with the gap
  and go to the second token.
* *Another model*, or weights of 4 bits or fewer: it moves logits by more than any near tie's gap, so that the share is large
  and flat, and two in five flips go to neither of the two.
* *Another prompt*, or template: between the two; the share falls to half of itself, and a quarter goes to neither.
* *Sampling*, which takes any token at all now and then: small and flat, and nearly never the second.

Each kind is a few curves, weighed alike. What none of them explains better than a model without a shape does is *unknown*. The
shapes are those of the demo's impostors and of two quantized files of SmolLM2 in llama.cpp: the kinds are named from little.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["KINDS", "LEAST_ODDS", "OF_FEW_BITS", "UNKNOWN", "kind_of", "log_likelihood_ratios", "shares_of"]

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]

UNKNOWN = "unknown"
OF_FEW_BITS = "weights of 4 bits or fewer, or another model"
LEAST_ODDS = math.log(20)
"""By which the likeliest kind must lead the next one, and no shape at all."""

LEAST_FLIP = 0.002
"""No curve makes a flip impossible: an odd one among hundreds is no proof against a kind."""

GAP_EDGES = (0.05, 0.2)
"""Nats; between them a model without a shape has shares of its own."""


def _rounding(gaps: Floats) -> Iterator[Floats]:
    for scale in (0.01, 0.02, 0.04, 0.08, 0.16):
        yield _shares(0.5 * np.exp(-gaps / scale), second=0.95)


def _another_model(gaps: Floats) -> Iterator[Floats]:
    for share in (0.5, 0.6, 0.7, 0.8):
        yield _shares(np.full_like(gaps, share), second=0.55)


def _another_prompt(gaps: Floats) -> Iterator[Floats]:
    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        yield _shares(share * (0.4 + 0.6 * np.exp(-gaps / 0.1)), second=0.75)


def _sampling(gaps: Floats) -> Iterator[Floats]:
    for share in (0.01, 0.02, 0.05, 0.1, 0.2):
        yield _shares(np.full_like(gaps, share), second=0.05)


KINDS: dict[str, Callable[[Floats], Iterator[Floats]]] = {
    "finer rounding of weights or arithmetic": _rounding,
    OF_FEW_BITS: _another_model,
    "another prompt or template": _another_prompt,
    "tokens taken at random now and then": _sampling,
}


def log_likelihood_ratios(gaps: Floats, outcomes: Outcomes, honest: Floats) -> dict[str, float]:
    """How much likelier each kind makes the answers than an honest provider does.

    Args:
        gaps: float64[ties], in nats.
        outcomes: int8[ties]; 0 the reference's token, 1 its second one, 2 any other or none.
        honest: float64[ties]; the probability that an honest run flips.

    Returns:
        Natural logarithms by kind, and of the model without a shape by ``UNKNOWN``.
    """
    base = _log_likelihood(_shares(honest, second=0.95), outcomes)
    ratios = {}
    for kind in KINDS:
        _, curves = shares_of(gaps, honest, kind)
        each = [_log_likelihood(curve, outcomes) for curve in curves]
        ratios[kind] = float(np.logaddexp.reduce(each) - math.log(len(each)) - base)
    return {**ratios, UNKNOWN: _without_shape(gaps, outcomes) - base}


def shares_of(gaps: Floats, honest: Floats, kind: str) -> tuple[Floats, list[Floats]]:
    """The probabilities of the first, the second and any other token: of an honest provider, and by each curve of a kind.

    Args:
        gaps: float64[ties], in nats.
        honest: float64[ties]; the probability that an honest run flips.
        kind: One of ``KINDS``.

    Returns:
        float64[3, ties], and a list of such.
    """
    alone = _shares(honest, second=0.95)
    # A deviation comes on top of what honest providers do: a tie keeps its token where both keep it.
    return alone, [_both(alone, curve) for curve in KINDS[kind](gaps)]


def kind_of(ratios: dict[str, float]) -> str:
    """The kind that leads all others, and no shape at all, by odds of 20; ``UNKNOWN`` where none does."""
    *_, next_best, best = sorted(ratios, key=lambda kind: ratios[kind])
    return best if ratios[best] - ratios[next_best] >= LEAST_ODDS else UNKNOWN


def _shares(flip: Floats, *, second: float) -> Floats:
    """float64[3, ties]: the probabilities of the first, the second and any other token."""
    bounded = np.clip(flip, LEAST_FLIP, 1 - LEAST_FLIP)
    return np.stack([1 - bounded, bounded * second, bounded * (1 - second)])


def _both(honest: Floats, deviating: Floats) -> Floats:
    kept = honest[0] * deviating[0]
    flips = honest[1:] + honest[0] * deviating[1:]
    return np.concatenate([kept[None], flips * (1 - kept) / flips.sum(axis=0)])


def _log_likelihood(shares: Floats, outcomes: Outcomes) -> float:
    return float(np.log(shares[outcomes, np.arange(len(outcomes))]).sum())


def _without_shape(gaps: Floats, outcomes: Outcomes) -> float:
    """Of three shares in each range of gaps, all as likely beforehand: the Dirichlet-multinomial's closed form.

    With counts n_k of n answers that is 2! prod n_k! / (n + 2)!.
    """
    total = 0.0
    ranges = np.digitize(gaps, GAP_EDGES)
    for place in range(len(GAP_EDGES) + 1):
        counts = np.bincount(outcomes[ranges == place], minlength=3)
        total += math.lgamma(3) + sum(math.lgamma(count + 1) for count in counts) - math.lgamma(counts.sum() + 3)
    return total
