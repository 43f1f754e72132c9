"""Logprobs at many positions: of one given token each, and of the likeliest ones.

logprob(v) = logit(v) - ln(sum over w of exp(logit(w))): the model's own distribution, before penalties and temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogprobRows", "chosen_logprobs", "concatenate_rows", "logprob_rows"]

_GROUP = 16
_BLOCK_VALUES = 2**20
"""Values that are worked on at once: what is needed beside the logits stays within a few times 4 MiB."""


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
    block = max(1, _BLOCK_VALUES // logits.shape[1])
    starts = range(0, max(len(token_ids), 1), block)
    return concatenate_rows([_block_rows(logits[at : at + block], token_ids[at : at + block], k) for at in starts])


def _block_rows(logits: NDArray[np.float32], token_ids: NDArray[np.int64], k: int) -> LogprobRows:
    normalizer = _normalizer(logits)
    given = np.take_along_axis(logits, token_ids[:, None], axis=1)
    top_ids = _top_ids(logits, min(k, logits.shape[1]))
    return LogprobRows(
        token_ids=token_ids,
        logprobs=(given - normalizer)[:, 0],
        ranks=(logits >= given).sum(axis=1),
        top_ids=top_ids,
        top_logprobs=np.take_along_axis(logits, top_ids, axis=1) - normalizer,
    )


def _normalizer(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural log of the sum of exp over each row, [n, 1]; the sum in float64."""
    # ln sum exp(x) = m + ln sum exp(x - m) for any m; with the maximum no term exceeds 1, and one of them is 1.
    shift = logits.max(axis=1, keepdims=True)
    total = np.exp(logits - shift).sum(axis=1, keepdims=True, dtype=np.float64)
    normalizer: NDArray[np.float32] = shift + np.log(total).astype(np.float32)
    return normalizer


def chosen_logprobs(logits: NDArray[np.float32], token_ids: Sequence[int]) -> NDArray[np.float32]:
    """The logprobs of the same tokens at every position, float32[n, tokens].

    Args:
        logits: float32[n, vocabulary].
        token_ids: The tokens.
    """
    block = max(1, _BLOCK_VALUES // logits.shape[1])
    parts = (logits[at : at + block] for at in range(0, len(logits), block))
    return np.concatenate([part[:, list(token_ids)] - _normalizer(part) for part in parts])


def _top_ids(logits: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Ids of the k largest values of each row: largest first, equal ones by ascending id.

    The k-th largest of the maxima of groups of columns bounds the k-th largest value from below, so the few values that
    reach it hold all of the top k and whatever ties with its end; only these are sorted.
    """
    n, width = logits.shape
    if k == 0 or n == 0:
        return np.empty((n, k), dtype=np.int64)
    if k > width // _GROUP:
        return np.argsort(-logits, axis=1, kind="stable")[:, :k]
    whole = width // _GROUP * _GROUP
    maxima = logits[:, :whole].reshape(n, -1, _GROUP).max(axis=2)
    bound = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, maxima.shape[1] - k, None]
    rows, ids = np.divmod(np.flatnonzero(logits >= bound), width)
    order = np.lexsort((-logits[rows, ids], rows))
    starts = np.searchsorted(rows, np.arange(n))
    top: NDArray[np.int64] = ids[order][starts[:, None] + np.arange(k)]
    return top


def concatenate_rows(parts: Sequence[LogprobRows]) -> LogprobRows:
    """The rows of all parts, in order; at least one part."""
    return LogprobRows(
        token_ids=np.concatenate([part.token_ids for part in parts]),
        logprobs=np.concatenate([part.logprobs for part in parts]),
        ranks=np.concatenate([part.ranks for part in parts]),
        top_ids=np.concatenate([part.top_ids for part in parts]),
        top_logprobs=np.concatenate([part.top_logprobs for part in parts]),
    )
