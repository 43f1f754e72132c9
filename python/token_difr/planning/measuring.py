"""From the sums of answers to the figures of the table of deviations.

**Bursts.** An answer's total of a statistic is taken as the sum of a Poisson number of bursts, ``rate`` a token, each of
which adds something with a mean and a variance of its own (a compound Poisson distribution). ``rate`` follows from the share
of the answers without any: exp(-rate · tokens). Where next to none is without, it follows from the scatter: bursts of one
size have a variance of rate · size² = mean² / rate a token, and no others have less, so rate is at least mean² / spread².
On the demo's providers the spread of such totals grows with the root of the answer's length, which is what independent bursts do,
and from 8 to 64 tokens by 1 to 26 % more.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from token_difr.errors import InputError
from token_difr.records import Scores
from token_difr.verdict.deviation_table import (
    LOOKED_AT_STATISTICS,
    Bursts,
    Deviation,
    DeviationTable,
    Noise,
    Sampling,
)
from token_difr.verdict.matching import Matched, match
from token_difr.verdict.statistics import CLIPPED_MARGIN
from token_difr.verdict.sums import SequenceSums, sequence_sums

__all__ = ["measured", "noise_of", "with_deviation"]

Floats = npt.NDArray[np.float64]

FEWEST_ANSWERS = 30
"""Fewer say too little of a spread and of how many answers a deviation leaves alone."""


def noise_of(scores: Scores, *, prompt_tokens: float = math.nan) -> Noise:
    """The noise of an honest run.

    Args:
        scores: The run's scores; answers without a decided token are left out.
        prompt_tokens: Tokens of a prompt, in the mean; NaN if not known.
    """
    sums = sequence_sums(scores, LOOKED_AT_STATISTICS)
    answers = sums.take(np.flatnonzero(sums.decided > 0))
    tokens = float(answers.decided.mean()) if len(answers.decided) else 0.0
    statistics = {each.name: _bursts(_Totals.of(answers, column)) for column, each in enumerate(LOOKED_AT_STATISTICS)}
    return Noise(prompt_tokens=prompt_tokens, answer_tokens=tokens, statistics=statistics)


def measured(
    name: str, sampling: Sampling, candidate: Scores, honest: Scores, pairs: npt.NDArray[np.int64] | None
) -> Deviation:
    """What a provider adds to the noise of an honest run.

    Args:
        name: What to call it.
        sampling: How the answers of both were asked for.
        candidate: The provider's scores.
        honest: The honest run's.
        pairs: int64[n, 2]; indexes (candidate, honest) of the answers to the same prompt; None = the prompts differ.

    Raises:
        InputError: Fewer than 30 answers with decided tokens on either side.
    """
    matched = match(candidate, honest, pairs, LOOKED_AT_STATISTICS)
    for side, sums in (("the impostor", matched.candidate), ("the honest run", matched.baseline)):
        count = int(np.count_nonzero(sums.decided))
        if count < FEWEST_ANSWERS:
            raise InputError(
                f"{side} has {count} answers to measure a deviation by, at least {FEWEST_ANSWERS} are needed: ask both sides "
                "more prompts, the same ones"
            )
    statistics = {each.name: _excess(matched, column) for column, each in enumerate(LOOKED_AT_STATISTICS)}
    return Deviation(
        name=name,
        sampling=sampling,
        compared_in_pairs=_compared(matched, honest),
        compared_by_length=_compared(match(candidate, honest, None, LOOKED_AT_STATISTICS), honest),
        shared=_shared(matched) if matched.paired else 0.0,
        statistics=statistics,
    )


def with_deviation(table: DeviationTable | None, model: str, noise: Noise, deviation: Deviation) -> DeviationTable:
    """``table`` with a deviation and the honest run that it was measured beside; both take the place of what was there.

    Raises:
        InputError: The table is of another model.
    """
    if table is None:
        return DeviationTable(model=model, noise={deviation.sampling: noise}, deviations=(deviation,))
    if table.model != model:
        raise InputError(f"the table is of {table.model}, and the runs of {model}: write another file")
    others = tuple(
        each for each in table.deviations if (each.name, each.sampling) != (deviation.name, deviation.sampling)
    )
    return DeviationTable(
        model=model, noise={**table.noise, deviation.sampling: noise}, deviations=(*others, deviation)
    )


FEWEST_SHARED = 5
"""Answers that noise of its own would leave below the baseline's: of fewer, nothing is said of what is shared."""


def _compared(matched: Matched, honest: Scores) -> float:
    """The share of an honest answer's tokens that is left, in the mean."""
    whole, left = matched.tokens[1] / len(honest), matched.compared[1] / len(matched.baseline.totals)
    return min(left / whole, 1.0)


class _Totals:
    """One statistic of one side, by answer."""

    def __init__(self, totals: Floats, weights: Floats) -> None:
        self.tokens = float(weights.mean()) if weights.size else 0.0
        self.mean = float(totals.sum() / weights.sum()) if self.tokens else 0.0
        # Of a mean over tokens, an answer's part in its error is what its total lies above the mean's share of it.
        residuals = totals - self.mean * weights
        self.variance = float(residuals.var() / self.tokens) if self.tokens else 0.0
        # Half an answer more, so that none without a burst is no infinite rate.
        self.untouched = (np.count_nonzero(totals == 0) + 0.5) / (len(totals) + 1)

    @classmethod
    def of(cls, sums: SequenceSums, column: int) -> _Totals:
        counting = sums.weights[:, column] > 0
        return cls(sums.totals[counting, column], sums.weights[counting, column])


def _bursts(totals: _Totals) -> Bursts:
    if totals.mean <= 0:
        return Bursts(0.0, 0.0, 0.0)
    return _fitted(totals.mean, totals.variance, totals.untouched, totals.tokens)


def _excess(matched: Matched, column: int) -> Bursts:
    """What the candidate has beyond the baseline; nothing where that is not more."""
    ours, theirs = _Totals.of(matched.candidate, column), _Totals.of(matched.baseline, column)
    if ours.mean <= theirs.mean:
        return Bursts(0.0, 0.0, 0.0)
    untouched = min(ours.untouched / theirs.untouched, 1.0)
    return _fitted(ours.mean - theirs.mean, ours.variance - theirs.variance, untouched, ours.tokens)


def _shared(matched: Matched) -> float:
    """How much of the baseline's noise the candidate has as well.

    Noise of its own would leave answers without a mismatch, and so below the baseline's, as often as what it adds leaves
    answers alone: fewer answers below it share the baseline's noise.
    """
    (ours, _), (theirs, _) = (side.column(CLIPPED_MARGIN) for side in (matched.candidate, matched.baseline))
    with_noise, below = int(np.count_nonzero(theirs > 0)), int(np.count_nonzero(ours < theirs))
    left_alone = min(int(np.count_nonzero(ours == 0)) / max(len(theirs) - with_noise, 1), 1.0)
    expected = with_noise * left_alone
    return max(1 - below / expected, 0.0) if expected >= FEWEST_SHARED else 0.0


def _fitted(mean: float, variance: float, untouched: float, tokens: float) -> Bursts:
    variance = max(variance, mean**2)  # no token begins more than a burst
    rate = max(-math.log(untouched) / tokens, mean**2 / variance)
    return Bursts(mean, math.sqrt(variance), rate)
