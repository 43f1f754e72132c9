"""References in this process: several sequences go to the model at once."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from token_difr.errors import AnswerError, BatchError, RowsError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference.reference import NOTHING, Reference
from token_difr.reference.unread import MOST_UNREAD, Unread

__all__ = ["BatchedReference"]


class BatchedReference(Reference):
    """A model in this process. A new one says how several sequences are scored: :meth:`_score`."""

    url = None
    echo_check = "in this process"

    async def rows(self, sequence: TokenSequence, *, tag: str) -> TopKBatch:
        """See :meth:`Reference.rows`."""
        try:
            return (await asyncio.to_thread(self._score, [sequence]))[0]
        except BatchError as error:
            raise RowsError(f"{self.model}, {tag.replace('-', ' ')}: {error}") from error

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
        """See :meth:`Reference.read`; ``concurrency`` is for servers, a model here makes batches of its own."""
        from tqdm import tqdm

        found: dict[int, TopKBatch] = {}
        waiting = [j for j in range(len(sequences)) if j not in answered and len(sequences[j].output_token_ids)]
        with tqdm(total=len(waiting), desc="reference", disable=None if progress else True, leave=False) as bar:
            for together in self._batches(sequences, waiting):
                for index, batch in zip(together, await self._scored(sequences, together), strict=False):
                    found[index] = batch
                    if keep is not None:
                        keep(index, batch)
                bar.update(len(together))
        pace: dict[str, Any] = {"concurrency": concurrency, "progress": False}
        return await super().read(sequences, answered={**answered, **found}, keep=keep, most_unread=most_unread, **pace)

    async def _scored(self, sequences: Sequence[TokenSequence], together: Sequence[int]) -> list[TopKBatch]:
        """The rows of a batch; none where one of its sequences spoils it: then each is asked for by itself."""
        try:
            return await asyncio.to_thread(self._score, [sequences[j] for j in together])
        except (AnswerError, BatchError):
            return []

    def _batches(self, sequences: Sequence[TokenSequence], waiting: Sequence[int]) -> Iterator[list[int]]:
        """Which of the sequences go together, by their indexes: all at once, where the model cuts them up itself."""
        del sequences
        if waiting:
            yield list(waiting)

    @abstractmethod
    def _score(self, sequences: Sequence[TokenSequence]) -> list[TopKBatch]:
        """The rows of each sequence's output tokens; each has at least one."""
