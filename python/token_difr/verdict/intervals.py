"""How sure a rate, a mean or a difference is, with the sequence as the unit of sampling.

A statistic is a ratio p = sum t_i / sum w_i of totals and weights a sequence. Sequences are independent, tokens are not, so
its standard error comes from the sequences' residuals r_i = t_i - p w_i, with W = sum w_i:

    se^2 = sum (r_i / sqrt(1 - h_i))^2 / W^2,    h_i = w_i / W

The leverage h_i is what sequence i itself has drawn p toward it, and so shrunk its own residual; dividing by its root undoes
that (the CR2 of Bell and McCaffrey, 2002, Survey Methodology 28, 169). A share then has the error of one seen over
n_eff = p (1 - p) / se^2 independent tokens, and Wilson's interval at n_eff is its interval: unlike p +- t se it does not
collapse where no mismatch was seen, and does not leave [0, 1]. As n_eff is itself estimated, from few and unequal sequences
perhaps, t takes the normal's place, with Kish's effective number of sequences less one, W^2 / sum w_i^2 - 1, as degrees of
freedom. ("Wilson-t": simulated coverage in ``scripts/measure_verdict.py``.)

A difference of two sides has the interval of Newcombe's method 10 (MOVER): see :func:`difference_interval`.

What no sample of n sequences can show: a provider that misserves a share q of its requests, wholly, goes unseen with
probability (1 - q)^n, and then nothing in the sample hints at it. So *consistent* needs as many sequences as the tolerance
asks for (:attr:`token_difr.records.Rule.fewest_sequences`).

Sources: Wilson (1927), J. Am. Stat. Assoc. 22, 209; Newcombe (1998), Stat. Med. 17, 873; Donner and Zou (2012), Stat.
Methods Med. Res. 21, 347, for ratios; Kish (1965), Survey Sampling, for the design effect.
"""

from __future__ import annotations

import math

import numpy as np

from token_difr.records import Estimate
from token_difr.verdict.statistics import CLIPPED_MARGIN, MISMATCH_RATE, Statistic
from token_difr.verdict.student_t import t_quantile
from token_difr.verdict.sums import SequenceSums

__all__ = [
    "design_effect",
    "difference_interval",
    "interval",
    "loss_upper_bound",
    "margin_ratio_upper",
    "wilson",
]

Z_ONE_SIDED_95 = 1.6448536269514722  # the standard normal's 95 % quantile
TWO_SIDED, ONE_SIDED = 0.975, 0.95  # the quantiles at which the ends of a 95 % interval, or a 95 % bound, stand


def interval(sums: SequenceSums, statistic: Statistic, *, quantile: float = TWO_SIDED) -> Estimate:
    """A statistic and its interval, each end at the t distribution's ``quantile``; NaN where nothing counts.

    A share of a single sequence may be anything in [0, 1], and its other statistics anything at all.
    """
    totals, weights = sums.column(statistic)
    counted = weights > 0
    totals, weights = totals[counted], weights[counted]
    whole = weights.sum()
    if not whole:
        return Estimate(math.nan, math.nan, math.nan)
    value = float(totals.sum() / whole)
    share = statistic.unit == "share"
    if len(weights) == 1:
        return Estimate(value, 0.0, 1.0) if share else Estimate(value, -math.inf, math.inf)
    leverage = weights / whole
    variance = float(np.sum((totals - value * weights) ** 2 / (1 - leverage)) / whole**2)
    t = t_quantile(quantile, float(1 / np.sum(leverage**2)) - 1)
    if not share:
        half = t * math.sqrt(variance)
        return Estimate(value, value - half, value + half)
    independent = value * (1 - value)
    tokens = min(whole, independent / variance) if variance > 0 < independent else whole
    return Estimate(value, *wilson(value, float(tokens), z=t))


def difference_interval(ours: Estimate, theirs: Estimate) -> tuple[float, float]:
    """The interval of ``ours - theirs`` from the intervals of two independent estimates, at the same quantile.

    The true difference is largest with ours at its upper end and theirs at its lower one. Each of these distances is z
    standard deviations of its own side; of independent sides the variances add up, not the deviations. So z deviations of
    the difference are the root of the sum of the two distances' squares. Answers to the same prompts vary together, which
    makes the difference surer than this says.
    """
    difference = ours.value - theirs.value
    below = math.hypot(ours.value - ours.low, theirs.high - theirs.value)
    above = math.hypot(ours.high - ours.value, theirs.value - theirs.low)
    return difference - below, difference + above


def loss_upper_bound(candidate: SequenceSums, baseline: SequenceSums) -> float:
    """One-sided 95 % upper bound of how much the candidate's match rate lies below the baseline's, in [-1, 1].

    NaN where a side has no decided token.
    """
    sides = [interval(side, MISMATCH_RATE, quantile=ONE_SIDED) for side in (candidate, baseline)]
    return difference_interval(*sides)[1]


def margin_ratio_upper(candidate: SequenceSums, baseline: SequenceSums) -> float:
    """One-sided 95 % upper bound of the candidate's mean clipped margin as a multiple of the baseline's.

    With the sides' own one-sided limits u of the candidate's mean m and l of the baseline's mean b, the variances at the
    limits are proportional to (u - m)^2 and (b - l)^2, and the bound R is the largest ratio that m - R b = 0 cannot
    refute: (m - R b)^2 = (u - m)^2 + R^2 (b - l)^2, a quadratic in R (Donner and Zou, equation 9).

    Returns:
        The bound, without unit; NaN where a side has no decided token, or where the baseline's mean may be 0.
    """
    ours, theirs = (interval(side, CLIPPED_MARGIN, quantile=ONE_SIDED) for side in (candidate, baseline))
    product = ours.value * theirs.value
    first, last = theirs.low * (2 * theirs.value - theirs.low), ours.high * (2 * ours.value - ours.high)
    if not first > 0:
        return math.nan
    return (product + math.sqrt(max(0.0, product**2 - first * last))) / first


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
        z: Quantile of the standard normal, or of Student's t.
    """
    center = (rate + z * z / (2 * tokens)) / (1 + z * z / tokens)
    half = z / (1 + z * z / tokens) * math.sqrt(rate * (1 - rate) / tokens + (z / (2 * tokens)) ** 2)
    return max(0.0, center - half), min(1.0, center + half)
