"""Made-up audits whose truth is known: sequences of tokens whose mismatches cluster, and sides that differ as one likes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from token_difr.records import Scores
from token_difr.verdict.comparison import SideRows
from token_difr.verdict.rows import RowFacts
from token_difr.verdict.statistics import MISMATCH_RATE, STATISTICS, Statistic
from token_difr.verdict.sums import SequenceSums

MEAN_MARGIN = 0.5  # nats, of a mismatch
GROSS_SHARE, GROSS_MARGIN = 0.05, 50.0  # of the mismatches, and by how many nats
DECAY = 16  # tokens
HARDER = 3.0  # times the rate, of a hard kind of prompt

Rng = np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Side:
    """How one side's answers come about.

    Attributes:
        sequences: How many answers.
        tokens: Their length; a pair = evenly between these two.
        rate: Mismatches a token.
        design_effect: Of 64 tokens: each answer has its own rate, from a beta distribution.
        early: How many times the rate the first token has more; it decays over 16 tokens.
        first: Rate over the first 64 tokens where it is another one; 0 = the same.
        hard: Share of the prompts of a hard kind, with three times the rate. They are longer, and their first rows flatter.
        misserved: Share of the answers that are wholly misserved.
        misserved_rate: Mismatches a token of these.
    """

    sequences: int = 100
    tokens: int | tuple[int, int] = 64
    rate: float = 0.02
    design_effect: float = 1.5
    early: float = 0.0
    first: float = 0.0
    hard: float = 0.0
    misserved: float = 0.0
    misserved_rate: float = 0.84


@dataclass(frozen=True)
class Prompts:
    """What belongs to the prompts, whoever answers.

    Attributes:
        rates: float64[sequences]; mismatches a token.
        facts: Their lengths and first rows.
    """

    rates: NDArray[np.float64]
    facts: RowFacts

    @classmethod
    def drawn(cls, rng: Rng, side: Side) -> Prompts:
        """Prompts of the side's kinds. A hard one is 2.5 standard deviations longer, its first row 2 less sure."""
        hard = rng.random(side.sequences) < side.hard
        rates = clustered(rng, side.rate * np.where(hard, HARDER, 1), side.design_effect)
        length = np.exp(rng.normal(4 + hard, 0.4))
        logprob = -np.exp(rng.normal(-1 + hard, 0.5))
        entropy = -logprob * np.exp(rng.normal(0, 0.3, side.sequences))
        return cls(rates, RowFacts((0.1, 0.95, 0.1), np.round(length), logprob, entropy))


def audit_pair(rng: Rng, ours: Side, theirs: Side, *, paired: bool = False) -> tuple[Scores, Scores, SideRows]:
    """Candidate, baseline and what their rows say; ``paired`` = on the same prompts."""
    shared = Prompts.drawn(rng, ours) if paired else None
    mine, my_rows = honest_or_not(rng, ours, shared)
    if shared is not None:
        shared = replace(shared, rates=shared.rates * (theirs.rate / ours.rate))
    other, other_rows = honest_or_not(rng, theirs, shared)
    return mine, other, SideRows(my_rows, other_rows)


def honest_or_not(rng: Rng, side: Side, prompts: Prompts | None = None) -> tuple[Scores, RowFacts]:
    """The scores of one side, and what its rows say of its prompts.

    Args:
        rng: Source of the noise.
        side: How the answers come about.
        prompts: What the prompts do to everybody; None = other prompts.
    """
    prompts = prompts or Prompts.drawn(rng, side)
    lengths = _lengths(rng, side)
    owners = np.repeat(np.arange(side.sequences), lengths)
    position = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rates = prompts.rates[owners]
    if side.early:
        rates *= 1 + side.early * np.exp(-position / DECAY)
    if side.first:
        rates *= np.where(position < 64, side.first / side.rate, 1.0)
    if side.misserved:
        misserved = rng.random(side.sequences) < side.misserved
        rates = np.where(misserved[owners], side.misserved_rate, rates)
    margins = np.zeros(len(owners), np.float32)
    wrong = np.flatnonzero(rng.random(len(owners)) < rates)
    margins[wrong] = made_margins(rng, len(wrong))
    return Scores.from_margins(margins, np.concatenate([[0], np.cumsum(lengths)])), prompts.facts


def made_sums(rng: Rng, side: Side) -> SequenceSums:
    """The sums of an even side without positions: of answers that are not cut, and whose places do not matter."""
    rates = clustered(rng, np.full(side.sequences, side.rate), side.design_effect)
    misserved = rng.random(side.sequences) < side.misserved
    rates = np.where(misserved, side.misserved_rate, rates)
    decided = _lengths(rng, side)
    return sums_of_mismatches(rng, rng.binomial(decided, rates), decided)


def sums_of_mismatches(rng: Rng, mismatches: NDArray[np.int64], decided: NDArray[np.int64]) -> SequenceSums:
    """Sums of the statistics of margins, of so many mismatches and decided tokens a sequence."""
    owners = np.repeat(np.arange(len(mismatches)), mismatches)
    margins = made_margins(rng, len(owners))
    columns = [np.bincount(owners, _shares(each, margins), len(mismatches)) for each in OF_MARGINS]
    weights = np.repeat(decided[:, None].astype(np.float64), len(OF_MARGINS), axis=1)
    return SequenceSums(np.stack(columns, axis=1), weights, OF_MARGINS)


OF_MARGINS = tuple(
    each for each in STATISTICS if each.name.startswith(("clipped_margin", "margin")) or each is MISMATCH_RATE
)


def _shares(statistic: Statistic, margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each mismatch adds."""
    kind, *numbers = statistic.name.removeprefix("clipped_").split("_")
    if statistic is MISMATCH_RATE:
        return np.ones(len(margins))
    if kind == "margin" and len(numbers) == 1:
        return np.minimum(margins, float(numbers[0])) / float(numbers[0])
    return ((margins > float(numbers[0])) & (margins <= float(numbers[2]))).astype(np.float64)


def clustered(rng: Rng, rates: NDArray[np.float64], design_effect: float) -> NDArray[np.float64]:
    """Each answer's own rate. Two tokens of it correlate by rho; of 64 tokens 1 + 63 rho is the design effect."""
    between = (design_effect - 1) / 63
    if not between:
        return rates
    size = 1 / between - 1
    return rng.beta(rates * size, (1 - rates) * size)


def made_margins(rng: Rng, count: int) -> NDArray[np.float64]:
    """Margins of mismatches, in nats."""
    return np.where(rng.random(count) < GROSS_SHARE, GROSS_MARGIN, rng.exponential(MEAN_MARGIN, count))


def mean_share(clip: float) -> float:
    """The mean of min(margin, clip) / clip of a mismatch."""
    small = MEAN_MARGIN * (1 - np.exp(-clip / MEAN_MARGIN)) / clip
    return float((1 - GROSS_SHARE) * small + GROSS_SHARE * min(1.0, GROSS_MARGIN / clip))


def _lengths(rng: Rng, side: Side) -> NDArray[np.int64]:
    if isinstance(side.tokens, int):
        return np.full(side.sequences, side.tokens)
    return rng.integers(side.tokens[0], side.tokens[1] + 1, side.sequences)
