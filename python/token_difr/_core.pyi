"""The native core: scoring, the checks of a batch, and deals. Use it through ``token_difr.scores`` and the like.

Every function takes arrays of exactly these types, contiguous, and raises ``TypeError`` for others; it releases the
GIL, and gives the same answer, bit for bit, on any number of threads. The threads belong to the process: in a
forked child they are gone and a call may wait forever, so start workers by ``spawn``.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FilterFacts",
    "Filters",
    "Rows",
    "ScoreColumns",
    "Stream",
    "StreamFacts",
    "Vocabulary",
    "__version__",
    "check_topk",
    "filter_rules",
    "gpus",
    "json_parts",
    "log_normalizers",
    "logprob_rows",
    "parse",
    "score_greedy",
    "score_sampled",
    "shuffled_sums",
    "stream_facts",
    "swapped_sums",
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

@final
class ScoreColumns:
    """One value a position in each column; NaN = unknown, +inf = unbounded. What they mean: :mod:`token_difr.scores.scoring`."""

    @property
    def exact_match(self) -> NDArray[np.bool_]: ...
    @property
    def prob(self) -> NDArray[np.float32]: ...
    @property
    def margin(self) -> NDArray[np.float32]:
        """Nats."""

    @property
    def margin_bound(self) -> NDArray[np.float32]:
        """Nats."""

    @property
    def logit_rank(self) -> NDArray[np.float32]: ...
    @property
    def gumbel_rank(self) -> NDArray[np.float32]:
        """The array of ``logit_rank`` itself at temperature 0."""

    @property
    def surprise(self) -> NDArray[np.float32] | None:
        """Nats; None at temperature 0."""

    @property
    def status(self) -> NDArray[np.uint8]: ...
    @property
    def percentile(self) -> NDArray[np.float32] | None:
        """In [0, 1]; None at temperature 0 and where noise was replayed."""

    @property
    def rival_possible(self) -> NDArray[np.bool_] | None:
        """None where the tail was not replayed."""

def score_greedy(batch: _Batch, /) -> ScoreColumns:
    """Score a batch that has passed :func:`check_topk` as sampled at temperature 0.

    Raises:
        ValueError: Arrays whose lengths contradict each other. Arrays that were changed after the check give
            wrong numbers.
    """

def logprob_rows(
    logits: NDArray[np.float32], token_ids: NDArray[np.int64], top: int, /
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """The logprob of one given token a position, its rank, and the likeliest tokens.

    Args:
        logits: float32[n, vocabulary], contiguous.
        token_ids: int64[n].
        top: Number of likeliest tokens a row; at most the vocabulary.

    Returns:
        float32[n] logprobs and int64[n] ranks of the given tokens; int64[n, top] likeliest ids, largest first, equal ones
        by ascending id, and float32[n, top] their logprobs.

    Raises:
        ValueError: Another number of ids than of rows; an id that is not below the vocabulary; no vocabulary.
    """

def log_normalizers(logits: NDArray[np.float32], /) -> NDArray[np.float32]:
    """Logarithm of the sum of exp over each row of contiguous float32[n, vocabulary], float32[n]; the sum in float64.

    Raises:
        ValueError: No vocabulary.
    """

class _Keys(Protocol):
    """What is read of a :class:`token_difr.sampler.StreamKeys`: one value a position each."""

    @property
    def seeds(self) -> NDArray[np.uint64]: ...
    @property
    def positions(self) -> NDArray[np.uint64]:
        """Positions or output steps, as ``keyed_by`` says."""

    @property
    def batch_rows(self) -> NDArray[np.uint32]: ...

@final
class FilterFacts:
    """What an engine's rule of the filters does."""

    @property
    def order(self) -> tuple[str, str, str]:
        """The order in which ``top_k``, ``top_p`` and ``min_p`` act."""

    @property
    def keeps_ties(self) -> bool:
        """Whether top-k keeps what ties with the k-th value (else exactly k tokens are left)."""

    @property
    def draws_by_place(self) -> bool:
        """Whether noise belongs to places in the descending sort instead of token ids, where a filter is on."""

def filter_rules() -> dict[str, FilterFacts]:
    """The rules by name: ``vllm``, ``huggingface`` and ``sglang``."""

@final
class Filters:
    """How the provider was told to filter, and by which engine's rule.

    Args:
        rule: A name of :func:`filter_rules`.
        temperature: Above 0.
        top_k: 0 = off.
        top_p: In (0, 1]; 1 = off.
        min_p: In [0, 1]; 0 = off.

    Raises:
        ValueError: No such rule, or a value out of range.
    """

    def __new__(cls, rule: str, /, *, temperature: float, top_k: int, top_p: float, min_p: float) -> Filters: ...

@final
class StreamFacts:
    """What holds for a random stream whatever its sizes."""

    @property
    def keyed_by(self) -> Literal["position", "step"]:
        """Position of the last input token (prompt length - 1 + n for output token n), or the output step n."""

    @property
    def needs_vocab_size(self) -> bool:
        """Whether the noise depends on the width of the logits."""

    @property
    def needs_gpu(self) -> bool:
        """Whether the noise depends on the GPU."""

    @property
    def drafts(self) -> bool:
        """Whether draft models of speculative decoding draw from it, under a key of their own."""

    @property
    def probability_floor(self) -> float:
        """What the engine adds to every probability before the logarithm; 0 for most."""

    @property
    def alike(self) -> str:
        """The variant that tokens do not tell from this one: itself for most."""

def stream_facts(name: str, variant: str, /) -> StreamFacts:
    """The facts of the stream of that name and variant.

    Raises:
        ValueError: No such stream.
    """

@final
class Stream:
    """A random stream.

    Args:
        name: The stream's name.
        variant: Its form, "" where it has one.
        vocab_size: Width of the logits; as the next three, at least 1 where the stream depends on it, else not used.
        batch_size: Rows that one call of the generator fills.
        multiprocessors: Of the GPU.
        threads: Threads that one multiprocessor holds at once.

    Raises:
        ValueError: An unknown stream, or sizes that it cannot have.
        OverflowError: A size that 32 bits cannot hold.
    """

    def __new__(
        cls, name: str, variant: str, /, *, vocab_size: int, batch_size: int, multiprocessors: int, threads: int
    ) -> Stream: ...
    @property
    def blocks(self) -> int:
        """Blocks of the GPU's kernel that fills a row: where they are equal, the GPU makes no difference. 0 without one."""

    def gumbel(self, keys: _Keys, token_ids: NDArray[np.uint32], /) -> NDArray[np.float64]:
        """Gumbel noise, float64[keys, token_ids].

        Raises:
            ValueError: An id, row or step out of range.
        """

def score_sampled(
    batch: _Batch,
    filters: Filters,
    /,
    *,
    stream: Stream | None = None,
    keys: _Keys | None = None,
    tail: int | None = None,
) -> ScoreColumns:
    """Score a batch that has passed :func:`check_topk` as sampled at a temperature above 0.

    Args:
        batch: The rows and the claimed tokens.
        filters: The temperature and the filters.
        stream: The random stream; None = likelihoods only.
        keys: One of each a position; None without a stream.
        tail: Width of the logits, where the noise of every id is to be drawn.

    Raises:
        ValueError: Keys of another length than the batch; noise that the stream cannot give.
    """

def gpus() -> dict[str, tuple[int, int]]:
    """Name of each known GPU -> its multiprocessors, and the threads that each holds at once."""

def shuffled_sums(table: NDArray[np.float64], chosen: int, first: int, deals: int, seed: int) -> NDArray[np.float64]:
    """Sums over rows that each deal draws without replacement.

    Args:
        table: float64[rows, columns].
        chosen: How many rows a deal draws.
        first: Number of the first deal. A deal is a function of its number, the seed and the shape alone.
        deals: How many deals.
        seed: 0 to 2^64 - 1.

    Returns:
        float64[deals, columns].

    Raises:
        ValueError: More rows chosen than there are.
        OverflowError: A seed out of range.
    """

def swapped_sums(table: NDArray[np.float64], first: int, deals: int, seed: int) -> NDArray[np.float64]:
    """Sums over rows that each deal chooses with probability 1/2; else as :func:`shuffled_sums`."""

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
    def resolve(
        self, strings: Sequence[str], claimed: NDArray[np.uint32] | None = None, /, *, one_answer: bool = False
    ) -> NDArray[np.uint32]:
        """The id of each string: a piece, or the text of one token alone.

        A string of several tokens is that of ``claimed`` (one a string) if it has this name, else 2^32 - 1, as is one
        of none. Strings of ``one_answer`` are all pieces or all texts: where one of them tells which, that settles the
        shared ones too.
        """

    def __len__(self) -> int:
        """Number of ids."""

@final
class Rows:
    """Rows of one sequence's output tokens, as :class:`token_difr.TopKBatch` takes them.

    Args:
        indptr: int64[n + 1]. Row j is ``[indptr[j], indptr[j+1])``.
        token_ids: uint32[entries].
        logprobs: float32[entries]. Nats.
        claimed_logprob: float32[n]. Of a claimed token that lies outside its row; NaN = inside, or unknown.
        claimed_rank: int32[n]. Its rank; -1 = unknown.
        contiguous: False where rows came as dictionaries of strings, in which colliding keys lose entries.
    """

    def __new__(
        cls,
        *,
        indptr: NDArray[np.int64],
        token_ids: NDArray[np.uint32],
        logprobs: NDArray[np.float32],
        claimed_logprob: NDArray[np.float32],
        claimed_rank: NDArray[np.int32],
        contiguous: bool = True,
    ) -> Rows: ...
    @property
    def indptr(self) -> NDArray[np.int64]: ...
    @property
    def token_ids(self) -> NDArray[np.uint32]: ...
    @property
    def logprobs(self) -> NDArray[np.float32]: ...
    @property
    def claimed_logprob(self) -> NDArray[np.float32]: ...
    @property
    def claimed_rank(self) -> NDArray[np.int32]: ...
    @property
    def contiguous(self) -> bool: ...

class _RowsAsked(Protocol):
    """What is read of a :class:`token_difr.reference.rows.RowsAsked`."""

    @property
    def sent(self) -> NDArray[np.uint32]: ...
    @property
    def prompt_length(self) -> int: ...
    @property
    def topk(self) -> int: ...
    @property
    def first(self) -> int: ...
    @property
    def vocabulary(self) -> Vocabulary | None: ...

def json_parts(document: bytes, /) -> tuple[int, int]:
    """How much a JSON document holds, told without building any of it.

    Returns:
        The number of texts, names of fields, lists and objects; and that of values behind the first of their list or object.
    """

def parse(form: str, body: bytes, asked: _RowsAsked, /) -> Rows:
    """The rows in a reference's answer.

    Args:
        form: How the answer is written: ``vllm``, ``content``, ``legacy``, ``sglang`` or ``next-token``.
        body: The answer as it came.
        asked: What it should be about.

    Raises:
        ValueError: No JSON, another form, or about other tokens; the message names the byte, the path or the position.
    """
