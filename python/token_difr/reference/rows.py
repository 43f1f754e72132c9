"""Rows of one sequence: what is asked for, and what becomes of what comes back."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from token_difr._core import Rows, Vocabulary
from token_difr.errors import BatchError, InputError, TokenDifrWarning
from token_difr.records import LARGEST_ID, TokenSequence, TopKBatch
from token_difr.untrusted import LOWEST

__all__ = ["Rows", "RowsAsked", "allowed_topk", "batch_of", "sent_tokens"]


class RowsAsked(NamedTuple):
    """What an answer should hold, for the native core's parsers.

    Attributes:
        sent: uint32[tokens]. The prompt's tokens and the output's.
        prompt_length: How many of them are the prompt's.
        topk: Entries a row.
        first: First token that the answer should be about; 0 = all are echoed.
        vocabulary: Names tokens that come without an id; None leaves them unresolved.
    """

    sent: NDArray[np.uint32]
    prompt_length: int
    topk: int
    first: int = 0
    vocabulary: Vocabulary | None = None


def sent_tokens(sequence: TokenSequence) -> tuple[NDArray[np.uint32], int]:
    """The prompt's tokens and the output's in one array, and the prompt's length.

    Raises:
        InputError: An id that no token can have.
    """
    tokens = np.array([*sequence.prompt_token_ids, *sequence.output_token_ids], dtype=np.int64)
    if tokens.size and (tokens.min() < 0 or tokens.max() > LARGEST_ID):
        raise InputError(f"token ids lie between 0 and {LARGEST_ID}, not {int(tokens.min())} to {int(tokens.max())}")
    return tokens.astype(np.uint32), len(sequence.prompt_token_ids)


def batch_of(rows: Rows, sent: NDArray[np.uint32], prompt_length: int) -> TopKBatch:
    """A batch of one sequence: the rows of ``sent[prompt_length:]``.

    Raises:
        BatchError: Rows that are no logprobs, or not one an output token.
    """
    claimed = sent[prompt_length:].copy()
    if len(rows.indptr) != len(claimed) + 1:
        raise BatchError(f"{len(rows.indptr) - 1} rows for {len(claimed)} output tokens")
    return TopKBatch(
        indptr=rows.indptr,
        token_ids=rows.token_ids,
        logprobs=_with_infinities(rows.logprobs),
        claimed=claimed,
        claimed_logprob=_with_infinities(rows.claimed_logprob),
        claimed_rank=rows.claimed_rank,
        sequence_indptr=[0, len(claimed)],
        prompt_lengths=[prompt_length],
        contiguous=rows.contiguous,
    )


def _with_infinities(logprobs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Minus infinity for what SDKs and engines hand over in its place; in bytes of answers the core has read it so."""
    return np.where(logprobs <= LOWEST, np.float32(-np.inf), logprobs)


def allowed_topk(asked: int, limit: float, dialect: str) -> int:
    """``asked``, lowered to the limit of a dialect with a warning.

    Raises:
        InputError: Below 1.
    """
    if asked < 1:
        raise InputError(f"topk_logprobs must be at least 1, not {asked!r}")
    if asked <= limit:
        return asked
    warnings.warn(
        f"{dialect} gives at most {limit:.0f} logprobs a position: topk_logprobs is lowered from {asked} to it",
        TokenDifrWarning,
        stacklevel=4,
    )
    return int(limit)
