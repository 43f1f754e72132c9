"""Made-up audits whose truth is known: sequences of tokens whose mismatches cluster, and sides that differ as one likes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from token_difr.records import Scores
from token_difr.verdict.comparison import SideRows
from token_difr.verdict.rows import RowFacts

MEAN_MARGIN = 0.5  # nats, of a mismatch
GROSS_SHARE, GROSS_MARGIN = 0.05, 50.0  # of the mismatches, and by how many nats
DECAY = 16  # tokens

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
        misserved: Share of the answers that are wholly misserved: 16 % of their tokens match.
    """

    sequences: int = 100
    tokens: int | tuple[int, int] = 64
    rate: float = 0.02
    design_effect: float = 1.5
    early: float = 0.0
    first: float = 0.0
    hard: float = 0.0
    misserved: float = 0.0


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
    rates = prompts.rates[owners] * (1 + side.early * np.exp(-position / DECAY))
    if side.first:
        rates *= np.where(position < 64, side.first / side.rate, 1.0)
    misserved = rng.random(side.sequences) < side.misserved
    rates = np.where(misserved[owners], 0.84, rates)
    margins = np.where(rng.random(len(owners)) < rates, made_margins(rng, len(owners)), 0.0).astype(np.float32)
    scores = Scores.from_margins(margins, np.concatenate([[0], np.cumsum(lengths)]))
    return scores, prompts.facts


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
        between = (
            side.design_effect - 1
        ) / 63  # the correlation of two tokens of an answer: 1 + 63 rho = design effect
        rates = side.rate * np.where(hard, 3, 1)
        if between:
            size = 1 / between - 1
            rates = rng.beta(rates * size, (1 - rates) * size)
        length = np.exp(rng.normal(4 + hard, 0.4))
        logprob = -np.exp(rng.normal(-1 + hard, 0.5))
        return cls(
            rates,
            RowFacts(
                (0.1, 0.95, 0.1), np.round(length), logprob, -logprob * np.exp(rng.normal(0, 0.3, side.sequences))
            ),
        )


def audit_pair(rng: Rng, ours: Side, theirs: Side, *, paired: bool = False) -> tuple[Scores, Scores, SideRows]:
    """Candidate, baseline and what their rows say; ``paired`` = on the same prompts."""
    shared = Prompts.drawn(rng, ours) if paired else None
    mine, my_rows = honest_or_not(rng, ours, _scaled(shared, ours.rate / ours.rate))
    other, other_rows = honest_or_not(rng, theirs, _scaled(shared, theirs.rate / ours.rate))
    return mine, other, SideRows(my_rows, other_rows)


def _scaled(prompts: Prompts | None, factor: float) -> Prompts | None:
    return None if prompts is None else replace(prompts, rates=prompts.rates * factor)


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
