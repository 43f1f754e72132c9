"""How badly a row of the reference explains the token that is claimed for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from token_difr.records import TopKBatch

__all__ = ["LARGEST_LOSS", "LIKELIHOOD", "Floats", "Judge", "by_choice"]

Floats = NDArray[np.float64]
Losses = Callable[[int, TopKBatch], Floats]

LARGEST_LOSS = 20.0
"""Nats. No token loses more: beyond that, values say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What a cut of a text is judged by, and how much it takes to ask for one.

    Attributes:
        losses: (index of the sequence, its rows) -> float64[positions], nats, at least 0: how badly each row explains its
            claimed token. Where tokens were drawn and nothing replays that, -ln p; where the choice is known, how far the
            token was from being chosen. Of a token whose value the row does not tell, the least that it can be.
        unseen: Rows -> float64[positions], nats: the least that a token outside the row can lose.
        least_advantage: Nats that another token of a row must lose less than the claimed one.
        least_promise: Nats that a cut must save at best; of many places that are asked about together, those that the best
            of them is expected to save.
        sees_the_rest: Whether all tokens behind a wrong cut look wrong too, as they do where the choice is known: they were
            chosen after other tokens, and with the noise of other positions.
    """

    losses: Losses
    unseen: Callable[[TopKBatch], Floats]
    least_advantage: float
    least_promise: float
    sees_the_rest: bool


def by_choice(losses: Losses) -> Judge:
    """The judge where the choice is known: at temperature 0, and where the sampler's noise is replayed.

    The right token loses next to nothing there, so that little suffices to suspect another.
    """
    return Judge(
        losses=losses,
        unseen=lambda rows: np.zeros(len(rows)),
        least_advantage=0.02,
        least_promise=0.5,
        sees_the_rest=True,
    )


def _surprise(index: int, rows: TopKBatch) -> Floats:
    """-ln p of the claimed tokens under the reference, before temperature and filters."""
    del index
    values = rows.claimed_logprob.astype(np.float64)
    values = np.where(np.isnan(values), -_least_surprise(rows), values)
    owners = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    inside = rows.token_ids == rows.claimed[owners]
    values[owners[inside]] = rows.logprobs[inside]
    return np.clip(-values, 0.0, LARGEST_LOSS)


def _least_surprise(rows: TopKBatch) -> Floats:
    """-ln p of each row's last entry: a token that the row lacks has no more probability than that."""
    least = np.full(len(rows), LARGEST_LOSS)
    filled = np.diff(rows.indptr) > 0
    least[filled] = -rows.logprobs[rows.indptr[1:][filled] - 1]
    return least


# The figures are measured (docs/fidelity.md): a lower promise brings few more sequences back, for many more requests.
LIKELIHOOD = Judge(
    losses=_surprise,
    unseen=_least_surprise,
    least_advantage=1.0,
    least_promise=3.0,
    sees_the_rest=False,
)
"""The judge where tokens were drawn at random and nothing replays that."""
