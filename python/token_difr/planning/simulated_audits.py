"""Audits as they would come out: answers drawn from the figures of a table, and judged as the verdict does.

**Why not a formula.** The normal approximation of a permutation test knows mean and variance alone. Half of the answers of
int8 weights hold no mismatch beyond the noise: of 24 pairs, such differences are 0 or positive, a deal that exchanges any of
the positive ones is less extreme than what was seen, and the p-value is near 2^-12, whatever their sizes. By mean and variance
the same audit is divergent half as often. So totals are drawn as compound Poisson sums (:mod:`token_difr.planning.measuring`),
with a gamma distribution for what a burst adds, and their labels are dealt as the test deals them.

**One statistic stands for all.** The smallest of the p-values of all statistics is judged against the smallest of every
deal, so it has to lie below the level over some factor. On the demo's providers that is 1 for the rarest deals of all, every
touched answer on the candidate's side, which are the rarest in every statistic; 2 where the p-value is 64 times theirs, and
2.2 to 3.1 where it is far above (``_factor``; medians of 720 audits of 8 to 32 answers).

**Totals are whole numbers**, of 2^-20 of a token, so that sums are exact and equal deals are equal.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.verdict.deviation_table import Bursts
from token_difr.verdict.permutation import CAP_QUANTILE, FEWEST_PAIRS
from token_difr.verdict.prompt_mix import ACCUSATION

__all__ = ["MOST_STATISTICS", "Sides", "simulated_power"]

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator

AUDITS = 600
"""Simulated ones: a share has a standard error of at most 2 points."""

DEALS = 1999
MOST_STATISTICS = 2.5
"""How many unlike statistics all of them are like, at most."""

FOLD = 64.0
"""Times the rarest deal's p-value, for each statistic more."""

UNIT = 2.0**20
SEED = 20261128

HARDER = 3.4
"""Prompts of two sides that look unlike by chance differ by so many root(1 / answers) standard deviations, and their
mismatches by as much in the exponent; the median of the demo's."""


class Sides(NamedTuple):
    """Two sides of an audit, of one statistic.

    Attributes:
        noise: Of both.
        excess: What the candidate adds.
        tokens: Of an answer that are compared.
        answers: On each side.
        same_prompts: Whether both are asked the same prompts.
        shared: The share of the noise that answers to the same prompt have in common.
    """

    noise: Bursts
    excess: Bursts
    tokens: float
    answers: int
    same_prompts: bool
    shared: float = 0.0

    @property
    def paired(self) -> bool:
        """Whether labels are exchanged within pairs: of a few, they are dealt to all answers."""
        return self.same_prompts and self.answers >= FEWEST_PAIRS


def simulated_power(sides: Sides, level: float) -> float:
    """The share of simulated audits that are divergent at ``level``; the same for the same arguments."""
    rng = np.random.default_rng(SEED)
    shape = (sides.answers, AUDITS)
    noise, baseline, excess = (
        _totals(rng, bursts, sides.tokens, shape) for bursts in (sides.noise, sides.noise, sides.excess)
    )
    if sides.same_prompts:
        noise = np.where(rng.random(shape) < sides.shared, baseline, noise)
    candidate = np.minimum(noise + excess, np.maximum(np.rint(sides.tokens * UNIT), noise))
    divergent = _p_values(candidate, baseline, paired=sides.paired) < level
    if sides.same_prompts:
        return float(divergent.mean())
    # Other prompts look unlike in so many audits, and then the baseline is made as bad as theirs may be.
    harder = np.rint(baseline * np.exp(HARDER / np.sqrt(sides.answers)))
    suspected = min(1.0, ACCUSATION * level)
    holds = divergent & (_p_values(candidate, harder, paired=False) < level)
    return float((1 - suspected) * divergent.mean() + suspected * holds.mean())


def _totals(rng: Rng, bursts: Bursts, tokens: float, shape: tuple[int, int]) -> Floats:
    """float64[shape]: totals of answers, in whole units."""
    if bursts.mean <= 0:
        return np.zeros(shape)
    counts = rng.poisson(bursts.rate * tokens, shape)
    size = bursts.mean / bursts.rate
    # The variance of a total is rate · tokens · (size² + the variance of a size): this is its ratio to size².
    scatter = max((bursts.spread / size) ** 2 / bursts.rate - 1, 0.0)
    if scatter < ROUNDED:
        return np.asarray(np.rint(counts * size * UNIT), np.float64)
    sums = rng.standard_gamma(np.maximum(counts, 1) / scatter) * size * scatter
    return np.asarray(np.rint(np.where(counts > 0, sums, 0.0) * UNIT), np.float64)


ROUNDED = 0.02
"""Bursts that scatter no more than that are of one size: tables keep three digits."""


def _p_values(candidate: Floats, baseline: Floats, *, paired: bool) -> Floats:
    """float64[audits]: p-values, adjusted for the many statistics, of the form that shows more."""
    both = np.concatenate([candidate, baseline])
    capped = np.minimum(both, np.floor(np.quantile(both, CAP_QUANTILE, axis=0)))
    answers = len(candidate)
    forms = np.concatenate([both, capped], axis=1)
    values = forms[:answers] - forms[answers:] if paired else forms
    signs = _labels(answers, paired)
    seen = values.sum(axis=0) if paired else values[:answers].sum(axis=0) - values[answers:].sum(axis=0)
    as_extreme = np.count_nonzero(signs @ values >= seen, axis=0).reshape(2, -1)
    p_values = (1 + as_extreme.min(axis=0)) / (1 + len(signs))
    return np.asarray(np.minimum(p_values * _factor(p_values, _rarest(values, paired=paired)), 1.0), np.float64)


def _rarest(values: Floats, *, paired: bool) -> Floats | float:
    """The p-value of the rarest deal: 2^-touched of pairs, one of all deals else."""
    if not paired:
        return 1 / math.comb(len(values), len(values) // 2)
    audits = values.shape[1] // 2
    return np.asarray(0.5 ** np.count_nonzero(values[:, :audits], axis=0), np.float64)


def _factor(p_values: Floats, rarest: Floats | float) -> Floats:
    """How many times as small a p-value has to be for the other statistics beside its own."""
    factor = 1 + np.log(p_values / rarest) / math.log(FOLD)
    return np.asarray(np.clip(factor, 1.0, MOST_STATISTICS), np.float64)


@lru_cache(maxsize=2)
def _labels(answers: int, paired: bool) -> Floats:
    """float64[deals, answers or both sides']: 1 where a deal leaves an answer to the candidate, else -1."""
    rng = np.random.default_rng(SEED + 1)
    if paired:
        return np.asarray(rng.integers(0, 2, (DEALS, answers)) * 2.0 - 1, np.float64)
    order = np.argsort(rng.random((DEALS, 2 * answers)), axis=1)
    return np.asarray(np.where(order < answers, 1.0, -1.0), np.float64)
