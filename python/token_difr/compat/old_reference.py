"""References as the functions of token-difr 0.1 ask them."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from token_difr.errors import AnswerError, EndpointError, InputError, RowCountError, TokenDifrWarning
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import CompletionsReference, FireworksReference, Reference
from token_difr.reference.served import ServedReference
from token_difr.tinker import TinkerReference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from openai import AsyncOpenAI

    from token_difr.sequences import Tokenizer

__all__ = ["OLD_DEFAULT_TOPK", "OldReference"]

OLD_DEFAULT_TOPK = 20
"""The old default of ``topk_logprobs``, which nobody chose: it becomes the service's limit without a warning."""

ROW_COUNT = re.compile(r"returned (\d+) rows for \d+ tokens")


REFUSALS = {400, 422}
"""HTTP statuses of servers that do not take token ids, or not the newer form."""


class _WholeRows(ServedReference):
    """Rows as they come: where a server adds the claimed token to its top k, 0.1 takes it as one of the row's."""

    def _to_batch(self, content: bytes, sent: NDArray[np.uint32], prompt_length: int, *, tag: str) -> TopKBatch:
        # One entry more than the row may have is taken out of it as the claimed token's; none is, if so many are allowed.
        wider = copy.copy(self)
        wider.topk_logprobs += 1
        return super(_WholeRows, wider)._to_batch(content, sent, prompt_length, tag=tag)


class _FireworksRows(_WholeRows, FireworksReference):
    pass


class _CompletionsRows(_WholeRows, CompletionsReference):
    pass


class OldReference(Reference):
    """A reference whose answers with too few rows are the ``ValueError`` that old callers know.

    Args:
        reference: Who is asked.
        otherwise: Makes who is asked where that one refuses a request.
    """

    def __init__(self, reference: Reference, otherwise: Callable[[], Reference] | None = None) -> None:
        self._reference = reference
        self._otherwise = otherwise
        self._other: Reference | None = None
        self._ids_work = False
        self.url = reference.url
        self.model = reference.model
        self.dialect = reference.dialect
        self.topk_logprobs = reference.topk_logprobs

    @classmethod
    def fireworks(
        cls, client: AsyncOpenAI, model: str, topk_logprobs: int, tokenizer: Tokenizer | None = None
    ) -> OldReference:
        """Fireworks, or a server that speaks like it; given a tokenizer, also one that takes nothing but text.

        Raises:
            InputError: ``topk_logprobs`` below 1.
        """
        limit = int(FireworksReference.topk_limit)
        k = limit if topk_logprobs == OLD_DEFAULT_TOPK else topk_logprobs

        def as_text() -> Reference:
            return _CompletionsRows(client, model, topk_logprobs=k, tokenizer=tokenizer)

        return cls(_FireworksRows(client, model, topk_logprobs=k), as_text if tokenizer is not None else None)

    @classmethod
    def tinker(cls, sampling_client: Any, topk_logprobs: int) -> OldReference:
        """A sampling client of the Tinker SDK, or the future of one that its newer versions give.

        Raises:
            InputError: ``topk_logprobs`` below 1, or the SDK is not installed.
        """
        if hasattr(type(sampling_client), "result"):
            sampling_client = sampling_client.result()
        return cls(TinkerReference(sampling_client, "tinker", topk_logprobs=topk_logprobs))

    @property
    def reads_ids(self) -> bool:
        """See :attr:`Reference.reads_ids`; known once something was asked."""
        return self._other is None and self._reference.reads_ids

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        try:
            return await self._rows(sequence, tag)
        except AnswerError as error:
            count = ROW_COUNT.search(str(error))
            if count is None:
                raise
            got = max(int(count[1]) - len(sequence.prompt_token_ids), 0)
            expected = len(sequence.output_token_ids)
            raise RowCountError(f"Expected {expected} logprob rows, got {got}: {error}") from error

    async def _rows(self, sequence: TokenSequence, tag: str) -> TopKBatch:
        if self._other is not None:
            return await self._other.rows(sequence, tag=tag)
        try:
            rows = await self._reference.rows(sequence, tag=tag)
        except EndpointError as error:
            status = getattr(error.__cause__, "status_code", None)
            if self._otherwise is None or self._ids_work or status not in REFUSALS:
                raise
            try:
                other = self._otherwise()
                rows = await other.rows(sequence, tag=tag)
            except (EndpointError, InputError):  # refused was this sequence, not the form; or text is no way either
                raise error from error.__cause__
            if self._other is None:
                self._other = other
                warnings.warn(
                    f"{self.url} refuses token ids: it is sent text, which it may tokenize otherwise",
                    TokenDifrWarning,
                    stacklevel=2,
                )
        else:
            self._ids_work = True
        return rows
