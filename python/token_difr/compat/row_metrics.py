"""Metrics of tokens by what their rows show and nothing else, as token-difr 0.1 has them at temperature 0.

=====================  =======================================================================================
quantity               value, over the row's entries; a token that is not among them has the logprob -inf
=====================  =======================================================================================
``exact_match``        the claimed token is the entry with the largest logprob, of several the lowest id
``prob``               exp(logprob of the claimed token)
``margin``             the largest logprob less the claimed token's, in nats: +inf for a token outside the row
``logit_rank``         number of entries with a larger logprob: for a token outside the row, of all finite ones
``gumbel_rank``        the same
=====================  =======================================================================================

All of it is float32. A row that shows nothing is one of equal values: token 0 wins, and the margin is NaN.

:func:`token_difr.score` knows more: the logprob that a reference tells of a token outside its row, and what the row does not
decide. These metrics are for figures that are to be compared with those of 0.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from token_difr.records import UNRESOLVED, TokenMetrics, TopKBatch

__all__ = ["row_metrics"]


def row_metrics(batch: TopKBatch) -> list[list[TokenMetrics]]:
    """Metrics of every token of a batch, one list a sequence; ``claimed_logprob`` and ``claimed_rank`` are not looked at."""
    positions = len(batch.claimed)
    known = batch.token_ids != UNRESOLVED  # 0.1 drops what it finds no id for
    row = np.repeat(np.arange(positions), np.diff(batch.indptr))[known]
    token_ids, logprobs = batch.token_ids[known], batch.logprobs[known]

    own = _filled(positions, -np.inf, np.float32)
    is_own = token_ids == batch.claimed[row]
    own[row[is_own]] = logprobs[is_own]
    best = _filled(positions, -np.inf, np.float32)
    np.maximum.at(best, row, logprobs)
    winner = _filled(positions, UNRESOLVED, np.uint32)
    is_best = logprobs == best[row]
    np.minimum.at(winner, row[is_best], token_ids[is_best])
    winner[np.isneginf(best)] = 0
    rank = np.bincount(row[logprobs > own[row]], minlength=positions).astype(np.float64)
    with np.errstate(invalid="ignore"):  # -inf less -inf
        margin = best - own
    columns = (winner == batch.claimed, np.exp(own), margin, rank, rank)
    return _by_sequence(columns, batch.sequence_indptr)


def _filled(size: int, value: float, kind: type[np.generic]) -> NDArray[Any]:
    return np.full(size, value, kind)


def _by_sequence(columns: tuple[NDArray[Any], ...], indptr: NDArray[np.int64]) -> list[list[TokenMetrics]]:
    tokens = [TokenMetrics(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    return [tokens[start:end] for start, end in zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True)]
