"""References behind HTTP: one request a sequence, whose answer goes from bytes to arrays.

A dialect is a module with one class, which declares all that others must know of it (what it posts and where, in which
form the core reads the answer, how the echo is checked, its limit, whether it needs a tokenizer), and one line of the table
in ``dialects``. Retries, keys and timeouts are those of the openai SDK's client.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from token_difr import _core
from token_difr.endpoint import answer_body, endpoint_error, mask_of, shown_url, tag_headers
from token_difr.errors import InputError, RowsError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.reference import Reference
from token_difr.reference.rows import RowsAsked, allowed_topk, batch_of, sent_tokens
from token_difr.reference.token_names import vocabulary_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from token_difr.sequences import Tokenizer

__all__ = ["ServedReference"]


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
    names_tokens: ClassVar[bool] = False
    """Whether tokens may come by strings, which a tokenizer makes ids of."""
    needs_tokenizer: ClassVar[bool] = False
    """Whether the dialect cannot do without a tokenizer."""
    form: ClassVar[str]
    """How answers are written: the name of the native core's parser."""
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
        if self.needs_tokenizer:
            self._tokenizer_needed()
        self._vocabulary = vocabulary_of(tokenizer) if self.names_tokens and tokenizer is not None else None
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

    def _first(self, prompt_length: int) -> int:
        """First token that is echoed."""
        del prompt_length
        return 0

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
        first = self._first(prompt_length)
        asked = RowsAsked(sent, prompt_length, self.topk_logprobs, first, self._vocabulary)
        try:
            return batch_of(_core.parse(self.form, content, asked), sent, prompt_length)
        except ValueError as error:  # BatchError too
            answer_body(content, client=self._client)  # an answer that reports an error speaks for itself
            said = mask_of(self._client).error(str(error))
            raise RowsError(f"{self.url}, {tag.replace('-', ' ')}: {said}") from None

    def _tokenizer_needed(self) -> Tokenizer:
        if self._tokenizer is None:
            raise InputError(f"the reference dialect {self.dialect} names tokens by strings: it needs a tokenizer")
        return self._tokenizer
