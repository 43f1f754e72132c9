"""How sure a rate or a mean is, with the sequence as the unit of sampling.

Two views, since each has a blind spot. The *cluster bootstrap* draws whole sequences with replacement and takes
quantiles of the statistic: it needs no formula, but collapses to a point when no mismatch was seen. The
*binomial* view takes Wilson's score interval at the effective number of tokens (tokens over the design effect):
it never collapses, but knows only rates. So rates are given the union of both.

What no sample of n sequences can show: a provider that misserves a share q of its requests, wholly, goes unseen with
probability (1 - q)^n, and then nothing in the sample hints at it. The bound on the loss speaks of deviations that the
sample could show; with 100 sequences q above 3 % is seen in 95 % of audits.

Sources: Wilson (1927), J. Am. Stat. Assoc. 22, 209; Newcombe (1998), Stat. Med. 17, 873, method 10, for the
difference of two rates; Kish (1965), Survey Sampling, for the design effect.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from token_difr import _core
from token_difr.records import Estimate
from token_difr.verdict.statistics import MISMATCH, STATISTICS, SequenceSums

__all__ = [
    "bootstrap_replicates",
    "design_effect",
    "loss_upper_bound",
    "percentile_interval",
    "rate_interval",
    "wilson",
]

RESAMPLES = 1999
Z_ONE_SIDED_95 = 1.6448536269514722  # the standard normal's 95 % quantile
Z_TWO_SIDED_95 = 1.959963984540054  # and its 97.5 % quantile
MISMATCH_COLUMN = STATISTICS.index(MISMATCH)


def bootstrap_replicates(sums: SequenceSums, *, seed: int) -> npt.NDArray[np.float64]:
    """float64[RESAMPLES, statistics]: each statistic over sequences drawn with replacement."""
    if sums.sequences == 0:
        return np.full((RESAMPLES, len(STATISTICS)), np.nan)
    return _core.cluster_bootstrap(sums.totals, sums.weights, RESAMPLES, seed)


def percentile_interval(value: float, replicates: npt.NDArray[np.float64]) -> Estimate:
    """The 95 % percentile interval of one statistic's replicates; NaN where every replicate is."""
    finite = replicates[np.isfinite(replicates)]
    if finite.size == 0:
        return Estimate(value, math.nan, math.nan)
    low, high = np.quantile(finite, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def rate_interval(sums: SequenceSums, replicates: npt.NDArray[np.float64]) -> Estimate:
    """The mismatch rate with the union of its bootstrap interval and of Wilson's at the effective number of tokens."""
    tokens = sums.decided.sum()
    bootstrap = percentile_interval(float(sums.means[MISMATCH_COLUMN]), replicates[:, MISMATCH_COLUMN])
    if not tokens:
        return bootstrap
    low, high = wilson(bootstrap.value, tokens / design_effect(sums), z=Z_TWO_SIDED_95)
    return Estimate(bootstrap.value, min(low, bootstrap.low), max(high, bootstrap.high))


def design_effect(sums: SequenceSums) -> float:
    """How much larger the mismatch rate's variance is than if tokens were independent; at least 1.

    The ratio of the linearized variance over sequences to the binomial one. 1 where no or every token mismatches.
    """
    mismatches, decided = sums.column(MISMATCH)
    tokens, sequences = decided.sum(), np.count_nonzero(decided)
    rate = mismatches.sum() / tokens if tokens else 0.0
    if not 0 < rate < 1 or sequences < 2:
        return 1.0
    residuals = mismatches - rate * decided
    clustered = sequences / (sequences - 1) * np.sum(residuals**2) / tokens**2
    return max(1.0, float(clustered / (rate * (1 - rate) / tokens)))


def wilson(rate: float, tokens: float, *, z: float = Z_ONE_SIDED_95) -> tuple[float, float]:
    """Wilson's score interval for a rate seen over ``tokens`` independent tokens; each end one-sided at ``z``."""
    center = (rate + z * z / (2 * tokens)) / (1 + z * z / tokens)
    half = z / (1 + z * z / tokens) * math.sqrt(rate * (1 - rate) / tokens + (z / (2 * tokens)) ** 2)
    return max(0.0, center - half), min(1.0, center + half)


def loss_upper_bound(candidate: SequenceSums, baseline: SequenceSums, replicates: npt.NDArray[np.float64]) -> float:
    """One-sided 95 % upper bound of how much the candidate's match rate lies below the baseline's, in [-1, 1].

    The larger of Newcombe's bound for two binomial rates at their effective numbers of tokens, and the 95 %
    quantile of ``replicates``, float64[resamples]: the bootstrapped differences of the mismatch rates. NaN where a side
    has no decided token.
    """
    if not (candidate.decided.any() and baseline.decided.any()):
        return math.nan
    rate = candidate.means[MISMATCH_COLUMN]
    expected = baseline.means[MISMATCH_COLUMN]
    effect = max(design_effect(candidate), design_effect(baseline))
    _, worst = wilson(rate, candidate.decided.sum() / effect)
    best, _ = wilson(expected, baseline.decided.sum() / effect)
    binomial = rate - expected + math.hypot(worst - rate, expected - best)
    return float(max(binomial, np.nanquantile(replicates, 0.95)))
