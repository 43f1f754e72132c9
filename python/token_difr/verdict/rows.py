"""What a reference's rows say of the prompts and of themselves, beside the scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.records import TopKBatch
from token_difr.verdict.positions import Floats

__all__ = ["SHIFTS", "RowFacts", "row_facts"]

SHIFTS = (-1, 0, 1)
"""By how many positions the rows are moved against the tokens."""


class RowFacts(NamedTuple):
    """Of one side.

    Attributes:
        shift_matches: The share of tokens that are the likeliest of the row which stands by so many positions (``SHIFTS``)
            before its own place; NaN where there is none.
        prompt_tokens: float64[sequences]; the prompts' lengths, NaN where they are not known.
        first_logprob: float64[sequences], nats; the largest logprob of the row at the first output position, which depends
            on the prompt alone. NaN where there is no such row.
        first_entropy: float64[sequences], nats; the entropy of what that row shows, likewise.
    """

    shift_matches: tuple[float, float, float]
    prompt_tokens: Floats
    first_logprob: Floats
    first_entropy: Floats


def row_facts(batch: TopKBatch) -> RowFacts:
    """The facts of a batch's rows."""
    sequences = len(batch.sequence_indptr) - 1
    lengths = batch.prompt_lengths
    first_logprob, first_entropy = np.full(sequences, np.nan), np.full(sequences, np.nan)
    for sequence, position in enumerate(batch.sequence_indptr[:-1]):
        if position == batch.sequence_indptr[sequence + 1]:
            continue
        row = batch.logprobs[batch.indptr[position] : batch.indptr[position + 1]].astype(np.float64)
        row = row[np.isfinite(row)]
        if row.size:
            first_logprob[sequence] = row[0]
            first_entropy[sequence] = -np.sum(row * np.exp(row))
    return RowFacts(
        shift_matches=_shift_matches(batch),
        prompt_tokens=np.full(sequences, np.nan) if lengths is None else lengths.astype(np.float64),
        first_logprob=first_logprob,
        first_entropy=first_entropy,
    )


def _shift_matches(batch: TopKBatch) -> tuple[float, float, float]:
    positions = len(batch.claimed)
    owners = np.repeat(np.arange(len(batch.sequence_indptr) - 1), np.diff(batch.sequence_indptr))
    given = np.diff(batch.indptr) > 0
    likeliest = np.full(positions, -1, np.int64)
    likeliest[given] = batch.token_ids[batch.indptr[:-1][given]]
    before, own, after = (_matches(likeliest, batch.claimed, owners, shift) for shift in SHIFTS)
    return before, own, after


def _matches(
    likeliest: npt.NDArray[np.int64], claimed: npt.NDArray[np.uint32], owners: npt.NDArray[np.int64], shift: int
) -> float:
    """The share of tokens that the row ``shift`` positions before has on top, within their sequence."""
    positions = len(claimed)
    token = slice(max(shift, 0), positions + min(shift, 0))
    row = slice(max(-shift, 0), positions - max(shift, 0))
    comparable = (owners[token] == owners[row]) & (likeliest[row] >= 0)
    return (
        float(np.mean(likeliest[row][comparable] == claimed[token][comparable])) if comparable.any() else float("nan")
    )
