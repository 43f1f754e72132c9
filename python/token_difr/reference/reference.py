"""What every reference is to the rest: something that gives rows for sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from token_difr.endpoint import ask_all
from token_difr.errors import EndpointError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.unread import MOST_UNREAD, Unread, check_unread, is_of_one_sequence

__all__ = ["Reference", "no_rows"]

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
        pace: dict[str, Any] = {"concurrency": concurrency, "progress": progress}
        read = await self.read(sequences, answered=answered, keep=keep, most_unread=0, **pace)
        return TopKBatch.concatenate([rows for _, rows in sorted(read.items()) if isinstance(rows, TopKBatch)])

    async def read(
        self,
        sequences: Sequence[TokenSequence],
        *,
        concurrency: int = 8,
        answered: Mapping[int, TopKBatch] = NOTHING,
        keep: Callable[[int, TopKBatch], None] | None = None,
        most_unread: float = MOST_UNREAD,
        progress: bool = True,
    ) -> dict[int, TopKBatch | Unread]:
        """The rows of each sequence, or why there are none of it: one that cannot be read does not cost the others.

        Args:
            sequences: Those without output tokens keep their place and are not asked for.
            concurrency: Requests in flight.
            answered: Rows that are here already, by index of their sequence; not asked for again.
            keep: Called with every sequence's index and rows as they arrive.
            most_unread: The share of the sequences that may be unread; 0 = what one of them meets is an error for all.
            progress: Show a progress bar on standard error, if that is a terminal.

        Returns:
            One of the two for every sequence, by index.

        Raises:
            EndpointError: More of them are unread: then no more are sent. Or an error that is not of one sequence
                (:func:`~token_difr.reference.is_of_one_sequence`): see :func:`~token_difr.endpoint.ask_all`. What has
                arrived went to ``keep``.
        """
        read: dict[int, TopKBatch | Unread] = {j: answered[j] for j in range(len(sequences)) if j in answered}
        unread: dict[int, Unread] = {}

        def arrived(index: int, batch: TopKBatch) -> None:
            read[index] = batch
            if keep is not None:
                keep(index, batch)

        async def ask(index: int) -> None:
            try:
                batch = await self.rows(sequences[index], tag=f"reference-{index}")
            except EndpointError as error:
                if not most_unread or not is_of_one_sequence(error):
                    raise
                unread[index] = Unread.because(error)
            else:
                arrived(index, batch)

        for index, sequence in enumerate(sequences):
            if index not in read and not len(sequence.output_token_ids):
                arrived(index, no_rows(sequence))
        await ask_all(
            [index for index in range(len(sequences)) if index not in read],
            ask,
            concurrency=concurrency,
            label="reference",
            progress=progress,
            goes_on=lambda: len(unread) <= most_unread * len(sequences),
        )
        check_unread(unread, len(sequences), most_unread)
        return read | unread


def no_rows(sequence: TokenSequence) -> TopKBatch:
    """A batch of one sequence that is not scored: its prompt, and no output."""
    return TopKBatch(
        indptr=np.zeros(1, dtype=np.int64),
        token_ids=np.zeros(0, dtype=np.uint32),
        logprobs=np.zeros(0, dtype=np.float32),
        claimed=np.zeros(0, dtype=np.uint32),
        sequence_indptr=np.zeros(2, dtype=np.int64),
        prompt_lengths=np.array([len(sequence.prompt_token_ids)], dtype=np.int64),
    )
