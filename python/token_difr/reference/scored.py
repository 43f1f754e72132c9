"""What a model in this process says of the positions of a sequence."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from token_difr.reference.rows import Rows

__all__ = ["Scored", "Scorer", "Sent"]

Sent = tuple[NDArray[np.uint32], int]
"""A sequence's tokens, prompt and output, and the length of its prompt."""


class Scorer(Protocol):
    """Whatever runs a model over whole sequences."""

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        ...

    def score(self, sent: list[Sent], k: int) -> list[Rows]:
        """The rows of each sequence's output tokens, each row with its ``k`` likeliest tokens.

        Every token is scored by what stands before it; the first of all, with nothing before it, gets an empty row.
        """
        ...


class Scored(NamedTuple):
    """Positions, each with its top k.

    Attributes:
        token_ids: uint32[position, k].
        logprobs: float32[position, k]. Nats, descending.
        claimed_logprob: float32[position]. Nats.
        claimed_rank: int32[position]. Number of ids with a larger logit; 0 where that was not counted.
        inside: bool[position]. The claimed token is among the k.
    """

    token_ids: NDArray[np.uint32]
    logprobs: NDArray[np.float32]
    claimed_logprob: NDArray[np.float32]
    claimed_rank: NDArray[np.int32]
    inside: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: list[Scored], k: int) -> Scored:
        """All positions of the parts, in order; there may be none."""
        empty = cls(
            np.zeros((0, k), np.uint32), np.zeros((0, k), np.float32), *(np.zeros(0, t) for t in ("f4", "i4", "?"))
        )
        return cls(*(np.concatenate(column) for column in zip(empty, *parts, strict=True)))

    def rows(self, start: int, end: int, *, unscored: int) -> Rows:
        """Positions [start, end) as a batch's arrays, after ``unscored`` empty rows."""
        k = self.token_ids.shape[1]
        outside = ~self.inside[start:end]
        logprob = np.where(outside, self.claimed_logprob[start:end], np.nan)
        rank = np.where(outside, self.claimed_rank[start:end], -1)
        return Rows(
            indptr=np.concatenate([np.zeros(unscored), np.arange(end - start + 1) * k]).astype(np.int64),
            token_ids=self.token_ids[start:end].ravel(),
            logprobs=self.logprobs[start:end].ravel(),
            claimed_logprob=np.concatenate([np.full(unscored, np.nan), logprob]).astype(np.float32),
            claimed_rank=np.concatenate([np.full(unscored, -1), rank]).astype(np.int32),
        )
