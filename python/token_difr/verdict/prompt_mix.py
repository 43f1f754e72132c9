"""Whether two sides with other prompts were asked the same kinds of them, and what it could do if not.

A hard kind of prompt has more mismatches with everybody. If it is commoner on one side, honest sides differ, and no test of
the answers can tell that from a fault. What depends on the prompts alone can: their lengths, and the reference's row at the
first output position, which nobody's answer has any part in. The way out is to ask both the same prompts.

**Is there a difference?** Kinds differ in several features at once, so their strongest common direction is looked at too:
the first principal component of the features over both sides, along which a mixture of kinds is spread most. A kind may be
a small part of the prompts at one end of it, where means are blunt; so the shares of its lowest and of its highest fifth
are compared as well. None of these knows the labels, so the test is exact.

**Does it matter?** Any two wordings differ surely, given enough prompts: one word more in every prompt is another length. So
what counts is how much harder the prompts of one side could be for it. :attr:`PromptMix.factor` says so, generously:

* A kind with three times the mismatches whose features lie two or more standard deviations apart moves the logarithm of
  the rate by at most as much as it moves the features' means, in standard deviations (``PER_DEVIATION``). A tenth of the
  prompts more of it: rates by 1.2 to 1.33 times, means by 0.17 to 0.35 deviations.
* Where all prompts of a side are worded alike there is next to no deviation to measure by. But a small difference in itself
  is then still a small one: rates move by at most the third power of the lengths' ratio and of the first rows' odds
  (``PER_NAT``), as with three times the mismatches where prompts are 1.44 times as long.

A verdict on sides whose prompts differ has to hold whatever prompts did up to that factor
(:mod:`~token_difr.verdict.comparison`).

An accusation needs comparable sides more than an acquittal does: *divergent* has to hold so at a p-value below fifteen times
the level already. Where the mix differs and chance makes the answers' difference larger still, the mix shows less than it
should.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from token_difr.records import Rule
from token_difr.verdict.permutation import Sums, label_test
from token_difr.verdict.positions import Floats
from token_difr.verdict.rows import RowFacts

__all__ = ["ACCUSATION", "SAME_MIX", "PromptMix", "prompt_mix"]

FIFTHS = (0.2, 0.8)
SMALLEST = 1e-6  # a probability, or nats
PER_DEVIATION, PER_NAT = 1.0, 3.0
LARGEST = 5.0
"""Of the logarithm: 148 times as hard says as much as any more."""

ACCUSATION = 15.0
"""Times the level: the p-value of the prompts up to which a difference of the answers is held against their factor too."""


class PromptMix(NamedTuple):
    """How the prompts of both sides differ.

    Attributes:
        p_value: Of "both sides have the same kinds of prompts", from what depends on the prompts alone.
        factor: How many times as many mismatches the prompts of one side could have as those of the other, at least 1.
    """

    p_value: float
    factor: float


SAME_MIX = PromptMix(1.0, 1.0)
"""The same prompts, or such of which nothing is known."""


def prompt_mix(ours: RowFacts, theirs: RowFacts, rule: Rule) -> PromptMix:
    """How the prompts differ of which both sides' rows know."""
    split = len(ours.prompt_tokens)
    features = [np.concatenate(sides) for sides in zip(_features(ours), _features(theirs), strict=True)]
    principal = _principal(features, split)
    columns = [*map(_mean, features), *_ends(principal)]
    totals, weights = (np.stack(part, axis=1).astype(np.float64) for part in zip(*columns, strict=True))
    sides = [Sums(totals[part], weights[part]) for part in (slice(None, split), slice(split, None))]
    everywhere = np.ones(len(columns), np.bool_)
    # The answers' test has this seed: with the next one the two do not share their deals.
    rule = replace(rule, seed=rule.seed + 1)
    test = label_test(*sides, two_sided=everywhere, capped=~everywhere, rule=rule)
    return PromptMix(test.p_value, _factor([*features, principal], split))


def _features(rows: RowFacts) -> tuple[Floats, Floats, Floats]:
    """Log length, log odds against the likeliest first token, log entropy: on these scales kinds lie apart evenly."""
    against = np.maximum(-np.expm1(rows.first_logprob), SMALLEST)
    odds = np.log(against) - rows.first_logprob
    return np.log(np.maximum(rows.prompt_tokens, 1)), odds, np.log(np.maximum(rows.first_entropy, SMALLEST))


def _mean(feature: Floats) -> tuple[Floats, Floats]:
    """Totals and weights of a feature's mean, float64[sequences] of both sides."""
    known = np.isfinite(feature)
    return np.where(known, feature, 0.0), known.astype(np.float64)


def _ends(feature: Floats) -> list[tuple[Floats, Floats]]:
    """Of a feature's mean, and of the shares of its outer fifths."""
    totals, weights = _mean(feature)
    low, high = np.quantile(feature[weights > 0], FIFTHS) if weights.any() else (0.0, 0.0)
    return [(totals, weights), ((feature < low) * weights, weights), ((feature > high) * weights, weights)]


def _principal(features: list[Floats], split: int) -> Floats:
    """float64[sequences]: the first principal component of the standardized features that both sides know.

    NaN where one of them is not known: the mean in its place would make such answers a kind of their own.
    """
    columns = []
    for feature in features:
        known = np.isfinite(feature)
        if known[:split].any() and known[split:].any():
            scatter = feature[known].std()
            columns.append((feature - feature[known].mean()) / scatter if scatter else np.where(known, 0.0, np.nan))
    if not columns:
        return np.full(len(features[0]), np.nan)
    matrix = np.stack(columns, axis=1)
    known_rows = matrix[np.isfinite(matrix).all(axis=1)]
    _, directions = np.linalg.eigh(known_rows.T @ known_rows)
    component: Floats = matrix @ directions[:, -1]
    return component


def _factor(features: list[Floats], split: int) -> float:
    """From the differences of the means, in standard deviations (of any feature) and in nats (of length and odds)."""
    differences, deviations = zip(*(_difference(feature[:split], feature[split:]) for feature in features), strict=True)
    of_deviations = PER_DEVIATION * max(deviations)
    of_nats = PER_NAT * math.hypot(*differences[:2])
    return math.exp(min(of_deviations, of_nats, LARGEST))


def _difference(ours: Floats, theirs: Floats) -> tuple[float, float]:
    """Between the means, and the same over the standard deviation within a side; 0 where a side knows nothing."""
    ours, theirs = (side[np.isfinite(side)] for side in (ours, theirs))
    if not (ours.size and theirs.size):
        return 0.0, 0.0
    difference = abs(float(ours.mean() - theirs.mean()))
    scatter = math.sqrt((ours.var() + theirs.var()) / 2)
    return difference, difference / scatter if scatter else math.inf if difference else 0.0
