"""References behind HTTP: one request a sequence, whose answer goes from bytes to arrays.

A dialect says what it posts and where, and which parser of the core reads the answer. Retries, keys and timeouts are
those of the openai SDK's client.
"""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from token_difr.endpoint import answer_body, endpoint_error, shown_url, tag_headers
from token_difr.errors import AnswerError, BatchError, InputError, TokenDifrWarning
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.reference import Reference

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.sequences import Tokenizer

__all__ = ["Rows", "ServedReference", "allowed_topk", "batch_of", "sent_tokens"]

Rows = tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], bool]
"""What the core's parsers return: indptr, token_ids, logprobs, claimed_logprob, claimed_rank, contiguous."""


class ServedReference(Reference):
    """A server that gives logprobs of tokens which it is sent.

    Args:
        client: A client of the server; its ``max_retries`` are the only retries.
        model: The model's name there.
        topk_logprobs: Entries a row, at least 1; lowered to the dialect's limit with a warning.
        tokenizer: The model's tokenizer, for dialects that name tokens by strings or take text.

    Raises:
        InputError: ``topk_logprobs`` below 1, or a tokenizer that the dialect needs is missing.
    """

    topk_limit: ClassVar[float] = math.inf
    """Most entries a row that the dialect allows; a server may allow fewer."""
    needs_tokenizer: ClassVar[bool] = False
    """Whether the dialect names tokens by strings."""
    path: ClassVar[str]
    """Where requests go, below the base URL."""
    at_root: ClassVar[bool] = False
    """Whether ``path`` starts beside ``/v1`` rather than in it."""

    def __init__(
        self, client: AsyncOpenAI, model: str, *, topk_logprobs: int = 20, tokenizer: Tokenizer | None = None
    ) -> None:
        self.topk_logprobs = allowed_topk(topk_logprobs, self.topk_limit, self.dialect)
        self._client = client
        self._tokenizer = tokenizer
        self.url = shown_url(client)
        self.model = model

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        sent, prompt_length = sent_tokens(sequence)
        content = await self._post(self._body(sent.tolist(), prompt_length), tag=tag)
        return self._to_batch(content, sent, prompt_length, tag=tag)

    @abstractmethod
    def _body(self, sent: list[int], prompt_length: int) -> dict[str, Any]:
        """The request for one sequence."""

    @abstractmethod
    def _parse(self, content: bytes, sent: NDArray[np.uint32], prompt_length: int) -> Rows:
        """The rows in an answer; ValueError says what is wrong with it."""

    async def _post(self, body: Mapping[str, Any], *, tag: str) -> bytes:
        import httpx2
        import openai

        path = self.path
        if self.at_root:
            path = f"{str(self._client.base_url).rstrip('/').removesuffix('/v1')}{path}"
        try:
            answer = await self._client.post(
                path,
                body=body,
                cast_to=httpx2.Response,
                options={"headers": tag_headers(self._client, tag)},
            )
        except openai.OpenAIError as error:
            raise endpoint_error(error, client=self._client, model=self.model) from error
        return answer.content

    def _to_batch(self, content: bytes, sent: NDArray[np.uint32], prompt_length: int, *, tag: str) -> TopKBatch:
        try:
            return batch_of(self._parse(content, sent, prompt_length), sent, prompt_length)
        except ValueError as error:  # BatchError too
            answer_body(content, client=self._client)  # an answer that reports an error speaks for itself
            raise AnswerError(f"{self.url}, {tag.replace('-', ' ')}: {error}") from error

    def _tokenizer_needed(self) -> Tokenizer:
        if self._tokenizer is None:
            raise InputError(f"the reference dialect {self.dialect} names tokens by strings: it needs a tokenizer")
        return self._tokenizer


def sent_tokens(sequence: TokenSequence) -> tuple[NDArray[np.uint32], int]:
    """The prompt's tokens and the output's in one array, and the prompt's length.

    Raises:
        InputError: An id that no token can have.
    """
    tokens = np.array([*sequence.prompt_token_ids, *sequence.output_token_ids], dtype=np.int64)
    if tokens.size and (tokens.min() < 0 or tokens.max() >= 2**32 - 2):
        raise InputError(f"token ids lie between 0 and 2^32 - 3, not {int(tokens.min())} to {int(tokens.max())}")
    return tokens.astype(np.uint32), len(sequence.prompt_token_ids)


def batch_of(rows: Rows, sent: NDArray[np.uint32], prompt_length: int) -> TopKBatch:
    """A batch of one sequence.

    Raises:
        BatchError: Rows that are no logprobs.
    """
    indptr, token_ids, logprobs, claimed_logprob, claimed_rank, contiguous = rows
    claimed = sent[prompt_length:].copy()
    if len(indptr) != len(claimed) + 1:
        raise BatchError(f"{len(indptr) - 1} rows for {len(claimed)} output tokens")
    return TopKBatch(
        indptr=indptr,
        token_ids=token_ids,
        logprobs=logprobs,
        claimed=claimed,
        claimed_logprob=claimed_logprob,
        claimed_rank=claimed_rank,
        sequence_indptr=[0, len(claimed)],
        prompt_lengths=[prompt_length],
        contiguous=contiguous,
    )


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
