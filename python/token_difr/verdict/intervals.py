"""How sure a rate or a mean is, with the sequence as the unit of sampling.

Two views, since each has a blind spot. The *cluster bootstrap* draws whole sequences with replacement and takes
quantiles of the statistic: it needs no formula, but collapses to a point when no mismatch was seen. The
*binomial* view takes Wilson's score interval at the effective number of tokens (tokens over the design effect):
it never collapses, but knows only rates. So rates are given the union of both.

What no sample of n sequences can show: a provider that misserves a share q of its requests, wholly, goes unseen with
probability (1 - q)^n, and then nothing in the sample hints at it. The bound on the loss speaks of deviations that the
sample could show; with 100 sequences q above 3 % is seen in 95 % of audits.

Sources: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13, for the percentile interval; Wilson
(1927), J. Am. Stat. Assoc. 22, 209; Newcombe (1998), Stat. Med. 17, 873, method 10, for the difference of two rates;
Kish (1965), Survey Sampling, for the design effect.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from token_difr import _core
from token_difr.records import Estimate
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import SequenceSums

__all__ = [
    "bootstrap_replicates",
    "design_effect",
    "loss_upper_bound",
    "percentile_interval",
    "rate_interval",
    "wilson",
]

Z_ONE_SIDED_95 = 1.6448536269514722  # the standard normal's 95 % quantile
Z_TWO_SIDED_95 = 1.959963984540054  # and its 97.5 % quantile


def bootstrap_replicates(sums: SequenceSums, *, resamples: int, seed: int) -> npt.NDArray[np.float64]:
    """float64[resamples, statistics]: each statistic over as many sequences, drawn with replacement, in its unit.

    The sequences that were seen stand for all that could have been asked: a draw from them is to them what they are to
    those. So a statistic scatters over the draws about as much as it would over repetitions of the audit. Whole sequences
    are drawn, each with all its positions, so that what hangs together within an answer stays together.

    NaN where nothing counts.
    """
    if sums.sequences == 0:
        return np.full((resamples, len(sums.statistics)), np.nan)
    return _core.cluster_bootstrap(sums.totals, sums.weights, resamples, seed)


def percentile_interval(value: float, replicates: npt.NDArray[np.float64]) -> Estimate:
    """The middle 95 % of one statistic's replicates, float64[resamples], around ``value``; NaN where every one is."""
    finite = replicates[np.isfinite(replicates)]
    if finite.size == 0:
        return Estimate(value, math.nan, math.nan)
    low, high = np.quantile(finite, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def rate_interval(sums: SequenceSums, replicates: npt.NDArray[np.float64]) -> Estimate:
    """The mismatch rate with the union of its bootstrap interval and of Wilson's at the effective number of tokens.

    Args:
        sums: The sums a sequence.
        replicates: float64[resamples]; the bootstrapped mismatch rates.
    """
    tokens = sums.decided.sum()
    bootstrap = percentile_interval(sums.mismatch_rate, replicates)
    if not tokens:
        return bootstrap
    low, high = wilson(bootstrap.value, tokens / design_effect(sums), z=Z_TWO_SIDED_95)
    return Estimate(bootstrap.value, min(low, bootstrap.low), max(high, bootstrap.high))


def design_effect(sums: SequenceSums) -> float:
    """How much larger the mismatch rate's variance is than if tokens were independent; at least 1, without unit.

    ``tokens / design_effect`` independent tokens would say as much of the rate as these do. 1 where no or every token
    mismatches, since nothing tells then how mismatches cluster.
    """
    mismatches, decided = sums.column(MISMATCH_RATE)
    tokens, sequences = decided.sum(), np.count_nonzero(decided)
    rate = mismatches.sum() / tokens if tokens else 0.0
    if not 0 < rate < 1 or sequences < 2:
        return 1.0
    # The rate r is a ratio of two sums over sequences: m_i mismatches in t_i tokens. Where the true rate is p,
    # r - p = sum (m_i - p t_i) / sum t_i: the residuals of independent sequences, added up. Its variance is the sum of
    # their squares over (sum t_i)^2, with r for p, and n / (n - 1) because r was fitted to the same n sequences.
    residuals = mismatches - rate * decided
    clustered = sequences / (sequences - 1) * np.sum(residuals**2) / tokens**2
    independent = rate * (1 - rate) / tokens  # the variance of the share of heads in as many throws of a coin
    return max(1.0, float(clustered / independent))


def wilson(rate: float, tokens: float, *, z: float = Z_ONE_SIDED_95) -> tuple[float, float]:
    """Wilson's score interval for a rate seen over ``tokens`` independent tokens; each end one-sided at ``z``.

    It holds every true rate p that does not make the rate r that was seen too unlikely: r scatters around p with variance
    p (1 - p) / n, so those with (r - p)^2 <= z^2 p (1 - p) / n. The ends solve this with "=", which is quadratic in p:
    (1 + z^2/n) p^2 - (2 r + z^2/n) p + r^2 = 0. The variance is that at p, not at r: where r is 0 there is still a width.

    Args:
        rate: The share that was seen, in [0, 1].
        tokens: Over how many; not necessarily a whole number.
        z: Quantile of the standard normal.
    """
    center = (rate + z * z / (2 * tokens)) / (1 + z * z / tokens)
    half = z / (1 + z * z / tokens) * math.sqrt(rate * (1 - rate) / tokens + (z / (2 * tokens)) ** 2)
    return max(0.0, center - half), min(1.0, center + half)


def loss_upper_bound(candidate: SequenceSums, baseline: SequenceSums, replicates: npt.NDArray[np.float64]) -> float:
    """One-sided 95 % upper bound of how much the candidate's match rate lies below the baseline's, in [-1, 1].

    The larger of two bounds: Newcombe's for two binomial rates at their effective numbers of tokens, and the 95 %
    quantile of the bootstrapped differences.

    Args:
        candidate: The candidate's sums.
        baseline: The baseline's sums.
        replicates: float64[resamples]; the bootstrapped differences of the mismatch rates, candidate - baseline.

    Returns:
        The bound, a share; NaN where a side has no decided token.
    """
    if not (candidate.decided.any() and baseline.decided.any()):
        return math.nan
    rate, expected = candidate.mismatch_rate, baseline.mismatch_rate
    # Two honest runs cluster alike, so the larger design effect holds for both: a side without a mismatch shows none.
    effect = max(design_effect(candidate), design_effect(baseline))
    _, worst = wilson(rate, candidate.decided.sum() / effect)
    best, _ = wilson(expected, baseline.decided.sum() / effect)
    # The true difference is largest with the candidate at its upper limit and the baseline at its lower one. Each
    # distance is z standard deviations of its own rate; of two independent rates the variances add up, not the
    # deviations. So z deviations of the difference are the root of the sum of the two distances' squares.
    binomial = rate - expected + math.hypot(worst - rate, expected - best)
    return float(max(binomial, np.nanquantile(replicates, 0.95)))
