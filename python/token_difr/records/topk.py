"""TopKBatch: ragged rows of top-k logprobs and the claimed tokens, as flat arrays that are checked once.

===================  ========  ======  ======================================================================
array                type      length  meaning
===================  ========  ======  ======================================================================
``indptr``           int64     n + 1   row j is ``[indptr[j], indptr[j+1])``; an empty row = nothing was given
``token_ids``        uint32    nnz     candidates of the rows; ``UNRESOLVED`` = a string without a single id
``logprobs``         float32   nnz     natural log of the model's own distribution, before temperature and
                                       penalties; -inf allowed
``claimed``          uint32    n       the provider's token
``claimed_logprob``  float32   n       its logprob where the API tells it even outside the row; NaN = unknown
``claimed_rank``     int32     n       at most so many ids have a larger logprob; -1 = unknown
``sequence_indptr``  int64     m + 1   positions of sequence i
``prompt_lengths``   int64     m       tokens before the first output token
===================  ========  ======  ======================================================================

A row is the **contiguous top** of the distribution: sorted by logprob, descending, equal values by ascending id.
Entries that an API adds out of order belong in ``claimed_*``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from token_difr import _core
from token_difr.errors import BatchError
from token_difr.records.arrays import flat_array, read_only

__all__ = ["LARGEST_ID", "UNRESOLVED", "TopKBatch"]

UNRESOLVED = 2**32 - 1
"""The id of a candidate whose string no single token id explains."""

LARGEST_ID = UNRESOLVED - 1
"""Of a token: ids have 32 bits."""

ARRAYS: Mapping[str, type[np.generic]] = {
    "indptr": np.int64,
    "token_ids": np.uint32,
    "logprobs": np.float32,
    "claimed": np.uint32,
    "claimed_logprob": np.float32,
    "claimed_rank": np.int32,
    "sequence_indptr": np.int64,
    "prompt_lengths": np.int64,
}
"""Name and type of each array, in the order of the table above."""


@dataclass(frozen=True, init=False, eq=False, repr=False, slots=True)
class TopKBatch:
    """Checked top-k rows; all arrays are read-only.

    Arrays of the right type are not copied, so nobody may write to them afterwards; anything else that NumPy can
    read (lists, other types, strided arrays) is converted. Rows that are not sorted are copied and sorted.

    Args:
        indptr: Offsets of the rows in ``token_ids`` and ``logprobs``.
        token_ids: Candidates of all rows, row after row.
        logprobs: Their logprobs.
        claimed: The provider's tokens.
        claimed_logprob: Their logprobs; None = all unknown.
        claimed_rank: Their ranks; None = all unknown.
        sequence_indptr: Offsets of the sequences in the positions; None = all positions are one sequence.
        prompt_lengths: Lengths of the prompts in tokens; None = unknown.
        contiguous: False for rows from string-keyed answers, where colliding keys lose entries silently.

    Attributes:
        improper_rows: Number of rows whose candidates have a mass above 1.01: no part of a distribution.

    Raises:
        BatchError: What breaks the module's table: lengths, offsets that go down, NaN or +inf, values above 0.01, an id
            twice in a row, an ``UNRESOLVED`` claimed token, a ``claimed_logprob`` more than 1e-3 above a row that
            lacks the token. The message names the array and the place in it.
    """

    indptr: NDArray[np.int64]
    token_ids: NDArray[np.uint32]
    logprobs: NDArray[np.float32]
    claimed: NDArray[np.uint32]
    claimed_logprob: NDArray[np.float32]
    claimed_rank: NDArray[np.int32]
    sequence_indptr: NDArray[np.int64]
    prompt_lengths: NDArray[np.int64] | None
    contiguous: bool
    improper_rows: int

    def __init__(
        self,
        *,
        indptr: ArrayLike,
        token_ids: ArrayLike,
        logprobs: ArrayLike,
        claimed: ArrayLike,
        claimed_logprob: ArrayLike | None = None,
        claimed_rank: ArrayLike | None = None,
        sequence_indptr: ArrayLike | None = None,
        prompt_lengths: ArrayLike | None = None,
        contiguous: bool = True,
    ) -> None:
        claimed = flat_array("claimed", claimed, np.uint32)
        given: dict[str, ArrayLike | None] = {
            "indptr": indptr,
            "token_ids": token_ids,
            "logprobs": logprobs,
            "claimed": claimed,
            "claimed_logprob": np.full(claimed.size, np.nan, np.float32)
            if claimed_logprob is None
            else claimed_logprob,
            "claimed_rank": np.full(claimed.size, -1, np.int32) if claimed_rank is None else claimed_rank,
            "sequence_indptr": np.array([0, claimed.size]) if sequence_indptr is None else sequence_indptr,
            "prompt_lengths": prompt_lengths,
        }
        for name, value in given.items():
            self._set(name, None if value is None else flat_array(name, value, ARRAYS[name]))
        self._set("contiguous", bool(contiguous))
        self._set("improper_rows", 0)
        self._check()

    def _check(self) -> None:
        try:
            improper_rows, in_order = _core.check_topk(self)
        except ValueError as error:
            raise BatchError(str(error)) from None
        self._set("improper_rows", improper_rows)
        if in_order is not None:
            self._set("token_ids", read_only(in_order[0]))
            self._set("logprobs", read_only(in_order[1]))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[Iterable[tuple[int, float]] | None],
        claimed: ArrayLike,
        *,
        claimed_logprob: ArrayLike | None = None,
        claimed_rank: ArrayLike | None = None,
        sequence_indptr: ArrayLike | None = None,
        prompt_lengths: ArrayLike | None = None,
        contiguous: bool = True,
    ) -> Self:
        """A batch from Python objects, for small data and tests.

        Args:
            rows: For each position its ``(token_id, logprob)`` pairs, or None for an empty row.
            claimed: The provider's tokens, one a position.
            claimed_logprob: See the class, as for all that follow.
            claimed_rank: See the class.
            sequence_indptr: See the class.
            prompt_lengths: See the class.
            contiguous: See the class.

        Raises:
            BatchError: See the class; also an entry that is no pair, with its position.
        """
        pairs = [_pairs(position, row) for position, row in enumerate(rows)]
        return cls(
            indptr=np.cumsum([0, *map(len, pairs)]),
            token_ids=[token_id for row in pairs for token_id, _ in row],
            logprobs=[logprob for row in pairs for _, logprob in row],
            claimed=claimed,
            claimed_logprob=claimed_logprob,
            claimed_rank=claimed_rank,
            sequence_indptr=sequence_indptr,
            prompt_lengths=prompt_lengths,
            contiguous=contiguous,
        )

    @classmethod
    def concatenate(cls, batches: Sequence[TopKBatch]) -> Self:
        """One batch of all sequences, in order; an empty one of no batches.

        Its ``prompt_lengths`` are unknown if those of any batch are; it is contiguous if every batch is.
        """
        known = [batch.prompt_lengths for batch in batches if batch.prompt_lengths is not None]
        return cls(
            indptr=_joined_offsets([batch.indptr for batch in batches]),
            token_ids=_joined([batch.token_ids for batch in batches]),
            logprobs=_joined([batch.logprobs for batch in batches]),
            claimed=_joined([batch.claimed for batch in batches]),
            claimed_logprob=_joined([batch.claimed_logprob for batch in batches]),
            claimed_rank=_joined([batch.claimed_rank for batch in batches]),
            sequence_indptr=_joined_offsets([batch.sequence_indptr for batch in batches]),
            prompt_lengths=_joined(known) if len(known) == len(batches) else None,
            contiguous=all(batch.contiguous for batch in batches),
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, for ``np.savez``; ``prompt_lengths`` is left out where it is None."""
        arrays = {name: getattr(self, name) for name in ARRAYS if getattr(self, name) is not None}
        return {**arrays, "contiguous": np.array(self.contiguous)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of :meth:`to_arrays`; takes what ``np.load`` gives.

        Raises:
            BatchError: See the class; also a missing array.
        """
        missing = [name for name in ("indptr", "token_ids", "logprobs", "claimed") if name not in arrays]
        if missing:
            raise BatchError(f"the arrays of a batch lack {', '.join(missing)}")
        given: dict[str, Any] = {name: arrays[name] for name in ARRAYS if name in arrays}
        return cls(**given, contiguous=bool(arrays["contiguous"]) if "contiguous" in arrays else True)

    @property
    def n_sequences(self) -> int:
        """Number of sequences, empty ones included."""
        return self.sequence_indptr.size - 1

    def __len__(self) -> int:
        """Number of positions."""
        return self.claimed.size

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.n_sequences} sequences, {len(self)} positions, "
            f"{self.token_ids.size} candidates)"
        )


def _pairs(position: int, row: Iterable[tuple[int, float]] | None) -> list[tuple[int, float]]:
    try:
        return [(token_id, logprob) for token_id, logprob in row or ()]
    except (TypeError, ValueError):
        raise BatchError(f"rows[{position}] is not a list of (token_id, logprob) pairs, nor None") from None


def _joined(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _joined_offsets(offsets: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    lengths = _joined([np.diff(each) for each in offsets])
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
