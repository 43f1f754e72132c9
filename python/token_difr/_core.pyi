"""The native core: scoring, the checks of a batch, and the bootstrap. Use it through ``token_difr.scores`` and the like.

Every function takes arrays of exactly these types, contiguous, and raises ``TypeError`` for others; it releases the
GIL, and gives the same answer, bit for bit, on any number of threads. The threads belong to the process: in a
forked child they are gone and a call may wait forever, so start workers by ``spawn``.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Vocabulary",
    "__version__",
    "check_topk",
    "cluster_bootstrap",
    "gpus",
    "gumbel",
    "parse_content",
    "parse_legacy",
    "parse_next_token",
    "parse_sglang",
    "parse_vllm",
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

_Rows: TypeAlias = tuple[
    NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], bool
]
# indptr, token_ids, logprobs, claimed_logprob, claimed_rank and contiguous of one sequence's output tokens, as
# token_difr.TopKBatch takes them.

@final
class Vocabulary:
    """The names of a tokenizer's tokens: what APIs call them, back to ids.

    Args:
        pieces: Tokens by id, as the tokenizer's file has them; empty for an id without a token.
        texts: What each decodes to alone.
        added: Whether each stands outside the model's own vocabulary, as special tokens do.
        byte_level: Pieces are GPT-2's characters for bytes.
    """

    def __new__(
        cls, pieces: Sequence[str], texts: Sequence[str], added: Sequence[bool], byte_level: bool
    ) -> Vocabulary: ...
    def resolve(self, strings: Sequence[str], claimed: NDArray[np.uint32] | None = None, /) -> NDArray[np.uint32]:
        """The id of each string: a piece, or the text of one token alone.

        A string of several tokens is that of ``claimed`` (one a string) if it has this name, else 2^32 - 1, as is one
        of none.
        """

    def __len__(self) -> int:
        """Number of ids."""

def parse_vllm(body: bytes, sent: NDArray[np.uint32], prompt_length: int, topk: int, /) -> _Rows:
    """Rows of an answer with vLLM's ``prompt_logprobs``.

    Args:
        body: The answer as it came.
        sent: The prompt's tokens and the output's.
        prompt_length: How many of them are the prompt's.
        topk: Entries asked for a row.

    Raises:
        ValueError: No JSON, another form, or about other tokens; the message names the byte, the path or the position.
    """

def parse_sglang(body: bytes, sent: NDArray[np.uint32], prompt_length: int, topk: int, /) -> _Rows:
    """Rows of an answer of SGLang's ``/generate``; as :func:`parse_vllm`."""

def parse_content(
    body: bytes,
    sent: NDArray[np.uint32],
    prompt_length: int,
    topk: int,
    first: int,
    vocabulary: Vocabulary | None,
    /,
) -> _Rows:
    """Rows of an answer with ``logprobs.content``; as :func:`parse_vllm`.

    Args:
        body: The answer as it came.
        sent: The prompt's tokens and the output's.
        prompt_length: How many of them are the prompt's.
        topk: Entries asked for a row.
        first: First token that the answer should be about; 0 = all are echoed.
        vocabulary: Names tokens that come without an id; None leaves them unresolved.
    """

def parse_legacy(
    body: bytes,
    sent: NDArray[np.uint32],
    prompt_length: int,
    topk: int,
    first: int,
    vocabulary: Vocabulary | None,
    /,
) -> _Rows:
    """Rows of an answer with parallel lists and dictionaries of strings; as :func:`parse_content`."""

def parse_next_token(body: bytes, claimed: int, topk: int, vocabulary: Vocabulary | None, /) -> _Rows:
    """The one row of a llama.cpp answer about the token after a prompt; as :func:`parse_content`."""
