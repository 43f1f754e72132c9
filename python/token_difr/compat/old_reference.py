"""References as the functions of token-difr 0.1 ask them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from token_difr.errors import AnswerError, RowCountError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import FireworksReference, Reference, TinkerReference

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OLD_DEFAULT_TOPK", "OldReference"]

OLD_DEFAULT_TOPK = 20
"""The old default of ``topk_logprobs``, which nobody chose: it becomes the service's limit without a warning."""

ROW_COUNT = re.compile(r"returned (\d+) rows for \d+ tokens")


class OldReference(Reference):
    """A reference whose answers with too few rows are the ``ValueError`` that old callers know."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self.url = reference.url
        self.model = reference.model
        self.dialect = reference.dialect
        self.topk_logprobs = reference.topk_logprobs

    @classmethod
    def fireworks(cls, client: AsyncOpenAI, model: str, topk_logprobs: int) -> OldReference:
        """Fireworks, or a server that speaks like it.

        Raises:
            InputError: ``topk_logprobs`` below 1.
        """
        limit = int(FireworksReference.topk_limit)
        k = limit if topk_logprobs == OLD_DEFAULT_TOPK else topk_logprobs
        return cls(FireworksReference(client, model, topk_logprobs=k))

    @classmethod
    def tinker(cls, sampling_client: Any, topk_logprobs: int) -> OldReference:
        """A sampling client of the Tinker SDK, or the future of one that its newer versions give.

        Raises:
            InputError: ``topk_logprobs`` below 1, or the SDK is not installed.
        """
        if hasattr(type(sampling_client), "result"):
            sampling_client = sampling_client.result()
        return cls(TinkerReference(sampling_client, "tinker", topk_logprobs=topk_logprobs))

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        try:
            return await self._reference.rows(sequence, tag=tag)
        except AnswerError as error:
            count = ROW_COUNT.search(str(error))
            if count is None:
                raise
            got = max(int(count[1]) - len(sequence.prompt_token_ids), 0)
            expected = len(sequence.output_token_ids)
            raise RowCountError(f"Expected {expected} logprob rows, got {got}: {error}") from error
