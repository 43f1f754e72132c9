"""Whether two sides with other prompts were asked the same kinds of them.

A hard kind of prompt has more mismatches with everybody. If it is commoner on one side, honest sides differ, and no test of
the answers can tell that from a fault. What depends on the prompts alone can: their lengths, and the reference's row at the
first output position, which nobody's answer has any part in. Sides that differ there are not compared. The way out is to ask
both the same prompts.

Kinds differ in several features at once, so their strongest common direction is looked at too: the first principal
component of the features over both sides, along which a mixture of kinds is spread most. A kind may be a small part of the
prompts at one end of it, where means are blunt; so the shares of its lowest and of its highest fifth are compared as well.
None of these knows the labels, so the test is exact.

An accusation needs comparable sides more than an acquittal does: *divergent* is held back at a p-value below eight times the
level. Where the mix differs and chance makes the answers' difference larger still, the mix shows less than it should. That
holds of small differences alone: a mix that makes one of five standard deviations shows by itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from token_difr.records import Rule
from token_difr.verdict.permutation import permutation_test
from token_difr.verdict.positions import Floats, Positions
from token_difr.verdict.rows import RowFacts
from token_difr.verdict.statistics import Columns, Statistic
from token_difr.verdict.sums import SequenceSums

__all__ = ["ACCUSATION", "GROSS_EFFECT", "mix_p_value"]

FIFTHS = (0.2, 0.8)
SMALLEST = 1e-6  # a probability, or nats
ACCUSATION = 8.0
"""Times the level: the p-value of the prompts from which on a difference of the answers may be called divergent."""

GROSS_EFFECT = 5.0
"""Standard deviations among the deals: from such a difference of the answers on, the level itself is enough."""


def mix_p_value(ours: RowFacts, theirs: RowFacts, rule: Rule) -> float:
    """The p-value of "both sides have the same kinds of prompts", from what depends on the prompts alone."""
    features = [np.concatenate(sides) for sides in zip(_features(ours), _features(theirs), strict=True)]
    columns = [*map(_mean, features), *_ends(_principal(features))]
    totals = np.stack([total for total, _ in columns], axis=1)
    weights = np.stack([weight for _, weight in columns], axis=1)
    statistics = tuple(_statistic(number) for number in range(len(columns)))
    split = len(ours.prompt_tokens)
    sides = [SequenceSums(totals[part], weights[part], statistics) for part in (slice(None, split), slice(split, None))]
    # The answers' test has this seed: with the next one the two do not share their deals.
    return permutation_test(*sides, rule=replace(rule, seed=rule.seed + 1)).p_value


def _features(rows: RowFacts) -> tuple[Floats, ...]:
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


def _principal(features: list[Floats]) -> Floats:
    """float64[sequences]: the first principal component of the standardized features; what is not known counts as mean."""
    columns = []
    for feature in features:
        known = np.isfinite(feature)
        scatter = feature[known].std() if known.any() else 0.0
        centered = np.where(known, feature - feature[known].mean(), 0.0) if scatter else np.zeros(len(feature))
        columns.append(centered / (scatter or 1.0))
    matrix = np.stack(columns, axis=1)
    _, directions = np.linalg.eigh(matrix.T @ matrix)
    component: Floats = matrix @ directions[:, -1]
    return component


def _statistic(number: int) -> Statistic:
    return Statistic(name=f"prompts_{number}", unit="nats", gloss="", columns=_nothing, two_sided=True, per="sequence")


def _nothing(positions: Positions) -> Columns:
    raise NotImplementedError("sums of prompts are made of rows, not of positions")
