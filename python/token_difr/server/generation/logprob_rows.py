"""Logprobs at many positions: of one given token each, and of the likeliest ones.

logprob(v) = logit(v) - ln(sum over w of exp(logit(w))): the model's own distribution, before penalties and temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from token_difr import _core

__all__ = ["LogprobRows", "chosen_logprobs", "concatenate_rows", "logprob_rows"]


@dataclass(frozen=True, kw_only=True)
class LogprobRows:
    """One row a position.

    Attributes:
        token_ids: int64[n], the given token of each position.
        logprobs: float32[n], its natural logprob.
        ranks: int64[n], vLLM's rank: the number of tokens whose logprob is at least as large, itself included.
        top_ids: int64[n, k], the likeliest tokens, largest first, equal ones by ascending id; named ones behind them.
        top_logprobs: float32[n, k].
    """

    token_ids: NDArray[np.int64]
    logprobs: NDArray[np.float32]
    ranks: NDArray[np.int64]
    top_ids: NDArray[np.int64]
    top_logprobs: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, part: slice) -> LogprobRows:
        return LogprobRows(
            token_ids=self.token_ids[part],
            logprobs=self.logprobs[part],
            ranks=self.ranks[part],
            top_ids=self.top_ids[part],
            top_logprobs=self.top_logprobs[part],
        )

    def narrow(self, k: int) -> LogprobRows:
        """The same positions with the ``k`` likeliest tokens only."""
        return replace(self, top_ids=self.top_ids[:, :k], top_logprobs=self.top_logprobs[:, :k])

    def beside(self, token_ids: Sequence[int], logprobs: NDArray[np.float32]) -> LogprobRows:
        """The same positions with named tokens behind the likeliest ones; a token may stand twice.

        Args:
            token_ids: The tokens, m.
            logprobs: float32[n, m].
        """
        named = np.tile(np.array(token_ids, dtype=np.int64), (len(self), 1))
        return replace(
            self,
            top_ids=np.concatenate([self.top_ids, named], axis=1),
            top_logprobs=np.concatenate([self.top_logprobs, logprobs], axis=1),
        )


def logprob_rows(logits: NDArray[np.float32], token_ids: NDArray[np.int64], k: int) -> LogprobRows:
    """The rows of given tokens.

    Args:
        logits: float32[n, vocabulary].
        token_ids: int64[n], the given tokens.
        k: Number of likeliest tokens a row, 0 and up.
    """
    logprobs, ranks, top_ids, top_logprobs = _core.logprob_rows(_contiguous(logits), token_ids, k)
    return LogprobRows(token_ids=token_ids, logprobs=logprobs, ranks=ranks, top_ids=top_ids, top_logprobs=top_logprobs)


def chosen_logprobs(logits: NDArray[np.float32], token_ids: Sequence[int]) -> NDArray[np.float32]:
    """The logprobs of the same tokens at every position, float32[n, tokens].

    Args:
        logits: float32[n, vocabulary].
        token_ids: The tokens.
    """
    return logits[:, list(token_ids)] - _core.log_normalizers(_contiguous(logits))[:, None]


def _contiguous(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The core borrows whole rows; what an engine gives are such already."""
    return np.ascontiguousarray(logits, dtype=np.float32)


def concatenate_rows(parts: Sequence[LogprobRows]) -> LogprobRows:
    """The rows of all parts, in order; at least one part."""
    return LogprobRows(
        token_ids=np.concatenate([part.token_ids for part in parts]),
        logprobs=np.concatenate([part.logprobs for part in parts]),
        ranks=np.concatenate([part.ranks for part in parts]),
        top_ids=np.concatenate([part.top_ids for part in parts]),
        top_logprobs=np.concatenate([part.top_logprobs for part in parts]),
    )
