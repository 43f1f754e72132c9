"""The native core: scoring, the checks of a batch, and the bootstrap. Use it through ``token_difr.score`` and the like.

Every function takes arrays of exactly these types, contiguous, and raises ``TypeError`` for others; it releases the
GIL, and gives the same answer, bit for bit, on any number of threads. The threads belong to the process: in a
forked child they are gone and a call may wait forever, so start workers by ``spawn``.
"""

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "__version__",
    "check_topk",
    "cluster_bootstrap",
    "gpus",
    "gumbel",
    "score_greedy",
    "score_sampled",
]

__version__: str

class _Batch(Protocol):
    """What is read of a :class:`token_difr.TopKBatch`."""

    @property
    def indptr(self) -> NDArray[np.int64]: ...
    @property
    def token_ids(self) -> NDArray[np.uint32]: ...
    @property
    def logprobs(self) -> NDArray[np.float32]: ...
    @property
    def claimed(self) -> NDArray[np.uint32]: ...
    @property
    def claimed_logprob(self) -> NDArray[np.float32]: ...
    @property
    def claimed_rank(self) -> NDArray[np.int32]: ...
    @property
    def sequence_indptr(self) -> NDArray[np.int64]: ...
    @property
    def prompt_lengths(self) -> NDArray[np.int64] | None: ...
    @property
    def contiguous(self) -> bool: ...
    @property
    def improper_rows(self) -> int: ...

def check_topk(batch: _Batch, /) -> tuple[int, tuple[NDArray[np.uint32], NDArray[np.float32]] | None]:
    """Check the arrays of a batch.

    Returns:
        The number of rows with a mass above 1.01; and ``token_ids`` and ``logprobs`` with every row sorted, or None
        where they were sorted already.

    Raises:
        ValueError: The first thing that is wrong; the message names the array and the place in it.
    """

def score_greedy(
    batch: _Batch, /
) -> tuple[
    NDArray[np.bool_],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.uint8],
]:
    """Score a batch that has passed :func:`check_topk` as sampled at temperature 0.

    Returns:
        One value a position each: exact_match, prob, margin, margin_bound, logit_rank, status.

    Raises:
        ValueError: Arrays whose lengths contradict each other. Arrays that were changed after the check give
            wrong numbers.
    """

_StreamSpec: TypeAlias = tuple[str, str, int, int, int, int]
"""Name and variant of a stream; vocabulary size and batch size; multiprocessors and threads of each."""

_StreamKeys: TypeAlias = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint32]]
"""Seed, position (or step) and batch row of each position."""

def score_sampled(
    batch: _Batch,
    filters: tuple[float, int, float, float, str],
    stream: _StreamSpec | None,
    keys: _StreamKeys | None,
    tail: int | None,
    /,
) -> tuple[
    NDArray[np.bool_],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.uint8],
    NDArray[np.bool_] | None,
]:
    """Score a batch that has passed :func:`check_topk` as sampled at a temperature above 0.

    Args:
        batch: The rows and the claimed tokens.
        filters: temperature, top_k, top_p, min_p, and the rule: ``vllm``, ``huggingface`` or ``sglang``.
        stream: The random stream; None = likelihoods only.
        keys: One of each a position; None without a stream.
        tail: Width of the logits, where the noise of every id is to be drawn.

    Returns:
        One value a position each: exact_match, prob, margin, margin_bound, logit_rank, gumbel_rank, surprise, status,
        and, with ``tail``, rival_possible.

    Raises:
        ValueError: Filters out of range; keys of another length than the batch; noise that the stream cannot give.
    """

def gumbel(stream: _StreamSpec, keys: _StreamKeys, token_ids: NDArray[np.uint32], /) -> NDArray[np.float64]:
    """Gumbel noise, float64[keys, token_ids].

    Raises:
        ValueError: An unknown stream, sizes that it cannot have, an id, row or step out of range.
    """

def gpus() -> dict[str, tuple[int, int]]:
    """Name of each known GPU -> its multiprocessors, and the threads that each holds at once."""

def cluster_bootstrap(
    numerators: NDArray[np.float64], denominators: NDArray[np.float64], resamples: int, seed: int
) -> NDArray[np.float64]:
    """Ratios of sums over sequences that are drawn with replacement.

    Args:
        numerators: float64[m, s]: ``s`` statistics of ``m`` sequences.
        denominators: float64[m, s]: what each statistic is divided by.
        resamples: How often ``m`` sequences are drawn.
        seed: 0 to 2^64 - 1. The draws are a function of the seed and ``m`` alone.

    Returns:
        float64[resamples, s]; NaN where the denominators that were drawn add up to 0.

    Raises:
        ValueError: Two arrays of different shapes.
        OverflowError: A seed out of range.
    """
