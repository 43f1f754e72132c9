"""What every reference is to the rest: something that gives rows for sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from token_difr.endpoint import ask_all
from token_difr.records import TokenSequence, TopKBatch

__all__ = ["Reference"]

NOTHING: Mapping[int, TopKBatch] = MappingProxyType({})


class Reference(ABC):
    """A trusted source of logprobs. A new dialect says how one sequence is asked for: :meth:`rows`.

    Attributes:
        url: Its base URL, without user-info and query; None if it is reached another way.
        model: The model that it is asked for.
        dialect: The dialect's name.
        topk_logprobs: Entries a row that it is asked for.
        echo_check: How it is made sure that the reference read exactly the tokens sent, after "compared"; an answer that
            fails it is an error, and never scored. None = nothing is echoed, so that it is taken on trust.
    """

    url: str | None
    model: str
    dialect: str
    topk_logprobs: int
    echo_check: ClassVar[str | None] = None

    @property
    def reads_ids(self) -> bool:
        """Whether it reads the very tokens that it is sent, in whatever way they cut their text."""
        return True

    @abstractmethod
    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """The rows of one sequence's output tokens, as a batch of that one sequence.

        Args:
            sequence: Has at least one output token.
            tag: Names the request in the log of a server on this machine.

        Raises:
            EndpointError: No answer, or one that does not hold what was asked for.
        """

    async def topk(
        self,
        sequences: Sequence[TokenSequence],
        *,
        concurrency: int = 8,
        answered: Mapping[int, TopKBatch] = NOTHING,
        keep: Callable[[int, TopKBatch], None] | None = None,
        progress: bool = True,
    ) -> TopKBatch:
        """The rows of all output tokens of all sequences.

        Args:
            sequences: Those without output tokens keep their place and are not asked for.
            concurrency: Requests in flight.
            answered: Rows that are here already, by index of their sequence; not asked for again.
            keep: Called with every sequence's index and rows as they arrive.
            progress: Show a progress bar on standard error, if that is a terminal.

        Raises:
            EndpointError: See :func:`~token_difr.endpoint.ask_all`; what has arrived went to ``keep``.
        """
        batches = {index: answered[index] for index in range(len(sequences)) if index in answered}

        def arrived(index: int, batch: TopKBatch) -> None:
            batches[index] = batch
            if keep is not None:
                keep(index, batch)

        async def ask(index: int) -> None:
            arrived(index, await self.rows(sequences[index], tag=f"reference-{index}"))

        missing = [index for index in range(len(sequences)) if index not in batches]
        for index in missing:
            if not len(sequences[index].output_token_ids):
                arrived(index, _no_rows(sequences[index]))
        waiting = [index for index in missing if index not in batches]
        await ask_all(waiting, ask, concurrency=concurrency, label="reference", progress=progress)
        return TopKBatch.concatenate([batches[index] for index in range(len(sequences))])


def _no_rows(sequence: TokenSequence) -> TopKBatch:
    return TopKBatch(
        indptr=np.zeros(1, dtype=np.int64),
        token_ids=np.zeros(0, dtype=np.uint32),
        logprobs=np.zeros(0, dtype=np.float32),
        claimed=np.zeros(0, dtype=np.uint32),
        sequence_indptr=np.zeros(2, dtype=np.int64),
        prompt_lengths=np.array([len(sequence.prompt_token_ids)], dtype=np.int64),
    )
