"""Rows by the engine that the server runs on: ONNX Runtime, without torch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from token_difr import _core
from token_difr.engine import Engine, extended
from token_difr.engine.chunk_size import default_chunk_size
from token_difr.reference.rows import Rows
from token_difr.reference.scored import Scored, Sent

__all__ = ["EngineScorer"]


class EngineScorer:
    """Runs sequences one by one, each chunk by chunk: beside the cache, the logits of one chunk are the most that is held.

    Of a long sequence a chunk is as much work as the cores can share; only many short ones would gain from being run
    together, and then much of the work would go into the padding.

    Args:
        engine: Runs the model.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._chunk_size = default_chunk_size(engine.vocabulary_size)

    @property
    def vocabulary_size(self) -> int:
        """Width of the logits."""
        return self._engine.vocabulary_size

    def score(self, sent: list[Sent], k: int) -> list[Rows]:
        """See :meth:`token_difr.reference.scored.Scorer.score`."""
        return [self._of_one(tokens.astype(np.int64), start, k) for tokens, start in sent]

    def _of_one(self, tokens: NDArray[np.int64], start: int, k: int) -> Rows:
        first = max(start, 1)
        parts = [_scored(logits, tokens[at : at + len(logits)], k) for at, logits in self._logits(tokens, first)]
        count = len(tokens) - first
        return Scored.joined(parts, k).rows(0, count, unscored=len(tokens) - start - count)

    def _logits(self, tokens: NDArray[np.int64], first: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """What may stand at the positions from ``first`` on, as the first position of a chunk and its logits.

        The logits behind token j tell what may stand at j + 1, so the last token is not fed.
        """
        cache = self._engine.empty_cache()
        for fed in range(0, len(tokens) - 1, self._chunk_size):
            end = min(fed + self._chunk_size, len(tokens) - 1)
            wanted = min(max(first - 1, fed), end)
            result = self._engine.forward(
                tokens[None, fed:end],
                np.arange(fed, end, dtype=np.int64)[None],
                np.ones((1, end), np.int64),
                cache,
                logits_from=wanted - fed,
            )
            cache = extended(cache, result.columns)
            if wanted < end:
                yield wanted + 1, np.ascontiguousarray(result.logits[0], dtype=np.float32)


def _scored(logits: NDArray[np.float32], claimed: NDArray[np.int64], k: int) -> Scored:
    logprob, _, ids, logprobs = _core.logprob_rows(logits, claimed, k)
    inside = (ids == claimed[:, None]).any(axis=1)
    rank = np.zeros(len(claimed), np.int32)
    outside = np.flatnonzero(~inside)
    rank[outside] = (logits[outside] > logits[outside, claimed[outside]][:, None]).sum(axis=1)
    return Scored(ids.astype(np.uint32), logprobs, logprob, rank, inside)
