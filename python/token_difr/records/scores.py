"""Scores: one value a position in each column, which also index as ``list[list[TokenMetrics]]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from token_difr.errors import InputError
from token_difr.records.arrays import flat_array, read_only
from token_difr.records.metrics import TokenMetrics

__all__ = ["ScoreStatus", "Scores"]


class ScoreStatus(IntEnum):
    """What a score means. The numbers are stored and do not change."""

    SCORED = 0
    """The answer is known."""
    UNSCORED = 1
    """The reference gave nothing to compare with. Left out of every rate, and counted."""
    UNREPLAYED = 2
    """Sampled above temperature 0, without the sampler's noise: only likelihoods are known."""
    FILTERED = 3
    """The provider's own filters exclude the claimed token."""
    CENSORED = 4
    """The claimed token lost for certain, but how far is only bounded."""
    UNDECIDED = 5
    """What the row shows does not settle whether the claimed token lost. Left out of every rate, and counted."""

    @property
    def word(self) -> str:
        """Its name as reports write it, in lower case."""
        return self.name.lower()

    @property
    def decided(self) -> bool:
        """Whether it says that the claimed token won or lost: such positions are what rates are taken over."""
        return self in {ScoreStatus.SCORED, ScoreStatus.FILTERED, ScoreStatus.CENSORED}


METRICS = tuple(each.name for each in fields(TokenMetrics))
"""The columns that make a TokenMetrics, in its order."""


DTYPE = "dtype"
"""Marks the fields of :class:`Scores` that are columns, each with its type."""

OPTIONAL = "optional"
"""Marks those that may be None, each with the type of its array."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False, slots=True)
class Scores(Sequence[list[TokenMetrics]]):
    """Scores of all claimed tokens of some sequences; all arrays are read-only, of one value a position.

    As a sequence it has one list of :class:`~token_difr.TokenMetrics` for each sequence of tokens, made when it is
    asked for: ``len(scores)``, ``scores[i][j]``, ``for tokens in scores``.

    Attributes:
        exact_match: bool. The claimed token is the reference token.
        prob: float32. Probability of the claimed token under the reference.
        margin: float32, nats. How far the claimed token was from being chosen; +inf where it is unbounded, NaN
            where it is unknown.
        margin_bound: float32, nats. ``margin``, or a lower bound where it is censored: what statistics use.
        logit_rank: float32. Number of candidates with a larger logprob.
        gumbel_rank: float32. Number of candidates with a larger noised logprob.
        surprise: float32, nats. -ln ``prob`` minus its expectation for an honest sampler; NaN at temperature 0.
        status: uint8. A :class:`ScoreStatus`.
        sequence_indptr: int64[sequences + 1]. The positions of sequence i are
            ``[sequence_indptr[i], sequence_indptr[i+1])``.
        rival_possible: bool, or None where it was not asked for. A token that the row does not show may have won.
        percentile: float32, or None at temperature 0, where noise was replayed, and in older files. Where the claimed
            token lies in the reference's filtered distribution, from 0 (its likeliest tokens) to 1, at random within
            the token's own share: uniform for an honest sampler. NaN where it cannot be said.
        withheld: bool[sequences], or None where none is. The sequence's tokens are not known for certain, so it was
            not scored: it has no positions, but is no empty answer.
        unread: bool[sequences], or None where none is. Those of the withheld ones that the reference could not read as
            they were sent: that speaks of the reference, and not of who wrote them.
        improper_rows: Number of rows whose mass is above 1.01: the reference gave no distribution there.

    Raises:
        InputError: Columns of different lengths, offsets that do not fit them, an unknown status, percentiles outside
            [0, 1], positions of a sequence that is withheld, or an unread one that is not.
    """

    exact_match: NDArray[np.bool_] = field(metadata={DTYPE: np.bool_})
    prob: NDArray[np.float32] = field(metadata={DTYPE: np.float32})
    margin: NDArray[np.float32] = field(metadata={DTYPE: np.float32})
    margin_bound: NDArray[np.float32] = field(metadata={DTYPE: np.float32})
    logit_rank: NDArray[np.float32] = field(metadata={DTYPE: np.float32})
    gumbel_rank: NDArray[np.float32] = field(metadata={DTYPE: np.float32})
    surprise: NDArray[np.float32] = field(metadata={DTYPE: np.float32})
    status: NDArray[np.uint8] = field(metadata={DTYPE: np.uint8})
    sequence_indptr: NDArray[np.int64]
    rival_possible: NDArray[np.bool_] | None = field(default=None, metadata={OPTIONAL: np.bool_})
    percentile: NDArray[np.float32] | None = field(default=None, metadata={OPTIONAL: np.float32})
    withheld: NDArray[np.bool_] | None = field(default=None, metadata={OPTIONAL: np.bool_})
    unread: NDArray[np.bool_] | None = field(default=None, metadata={OPTIONAL: np.bool_})
    improper_rows: int = 0

    def __post_init__(self) -> None:
        positions = self.status.size
        for name in (*COLUMNS, "rival_possible", "percentile"):
            column = getattr(self, name)
            if column is None:
                continue
            if column.shape != (positions,):
                raise InputError(f"{name} has shape {column.shape}, but status has {positions} entries")
            object.__setattr__(self, name, read_only(column))
        if positions and self.status.max() > max(ScoreStatus):
            raise InputError(f"status holds {self.status.max()}, which is no ScoreStatus")
        offsets = self.sequence_indptr
        if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != positions or (np.diff(offsets) < 0).any():
            raise InputError(f"sequence_indptr must rise from 0 to the number of positions, {positions}")
        object.__setattr__(self, "sequence_indptr", read_only(offsets))
        if self.percentile is not None and ((self.percentile < 0) | (self.percentile > 1)).any():
            raise InputError("percentile must lie in [0, 1], or be NaN")
        if self.withheld is not None:
            self._check_withheld(self.withheld)
        if self.unread is not None:
            if (
                self.withheld is None
                or self.unread.shape != self.withheld.shape
                or (self.unread & ~self.withheld).any()
            ):
                raise InputError("unread marks sequences among those that are withheld")
            object.__setattr__(self, "unread", read_only(self.unread))

    def _check_withheld(self, withheld: NDArray[np.bool_]) -> None:
        if withheld.shape != (len(self),):
            raise InputError(f"withheld has shape {withheld.shape}, but there are {len(self)} sequences")
        if np.diff(self.sequence_indptr)[withheld].any():
            raise InputError("a sequence that is withheld has no positions")
        object.__setattr__(self, "withheld", read_only(withheld))

    @classmethod
    def from_margins(
        cls,
        margin: ArrayLike,
        sequence_indptr: ArrayLike | None = None,
        *,
        exact_match: ArrayLike | None = None,
        prob: ArrayLike | None = None,
        margin_bound: ArrayLike | None = None,
        logit_rank: ArrayLike | None = None,
        gumbel_rank: ArrayLike | None = None,
        surprise: ArrayLike | None = None,
        status: ArrayLike | None = None,
        percentile: ArrayLike | None = None,
        withheld: ArrayLike | None = None,
    ) -> Self:
        """Scores from margins that were computed elsewhere.

        Args:
            margin: At least 0; +inf = unbounded, NaN = not scored.
            sequence_indptr: Offsets of the sequences; None = one sequence.
            exact_match: None = wherever the margin is 0.
            prob: None = unknown (NaN), as for the ranks and ``surprise``.
            margin_bound: None = the margins.
            logit_rank: See :class:`Scores`.
            gumbel_rank: None = ``logit_rank``.
            surprise: See :class:`Scores`.
            status: None = UNSCORED where the margin is NaN, else SCORED.
            percentile: See :class:`Scores`.
            withheld: See :class:`Scores`; None = none is.

        Raises:
            InputError: A margin below 0, or see :class:`Scores`.
        """
        margins = flat_array("margin", margin, np.float32)
        bounds = margins if margin_bound is None else flat_array("margin_bound", margin_bound, np.float32)
        for name, values in (("margin", margins), ("margin_bound", bounds)):
            if (values < 0).any():
                index = int((values < 0).argmax())
                raise InputError(f"{name}[{index}] is {values[index]}: a margin is at least 0")
        given = {
            "exact_match": margins == 0 if exact_match is None else np.asarray(exact_match, np.bool_),
            "prob": prob,
            "margin": margins,
            "margin_bound": bounds,
            "logit_rank": logit_rank,
            "gumbel_rank": logit_rank if gumbel_rank is None else gumbel_rank,
            "surprise": surprise,
            "status": np.isnan(margins) * np.uint8(ScoreStatus.UNSCORED) if status is None else status,
        }
        unknown = np.full(margins.size, np.nan, np.float32)
        columns = {
            name: flat_array(name, unknown if value is None else value, COLUMNS[name]) for name, value in given.items()
        }
        offsets = [0, margins.size] if sequence_indptr is None else sequence_indptr
        optional = _optional_arrays({"percentile": percentile, "withheld": withheld})
        return cls(**columns, **optional, sequence_indptr=flat_array("sequence_indptr", offsets, np.int64))  # type: ignore[arg-type]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name, for ``np.savez``; those that are None are left out."""
        arrays = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: np.asarray(value) for name, value in arrays.items() if value is not None}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of :meth:`to_arrays`; takes what ``np.load`` gives.

        Raises:
            InputError: A missing array, or see :class:`Scores`.
        """
        missing = [name for name in (*COLUMNS, "sequence_indptr") if name not in arrays]
        if missing:
            raise InputError(f"the arrays of scores lack {', '.join(missing)}")
        columns: dict[str, Any] = {name: flat_array(name, arrays[name], dtype) for name, dtype in COLUMNS.items()}
        return cls(
            **columns,
            sequence_indptr=flat_array("sequence_indptr", arrays["sequence_indptr"], np.int64),
            **_optional_arrays(arrays),
            improper_rows=int(arrays["improper_rows"]) if "improper_rows" in arrays else 0,
        )

    def __len__(self) -> int:
        """Number of sequences, empty ones included."""
        return self.sequence_indptr.size - 1

    @overload
    def __getitem__(self, index: int) -> list[TokenMetrics]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[TokenMetrics]]: ...
    def __getitem__(self, index: int | slice) -> list[TokenMetrics] | list[list[TokenMetrics]]:
        """The tokens of one sequence, as built-in ``bool`` and ``float``; of several for a slice."""
        chosen = range(len(self))[index]
        return [self._tokens(i) for i in chosen] if isinstance(chosen, range) else self._tokens(chosen)

    def _tokens(self, sequence: int) -> list[TokenMetrics]:
        start, end = self.sequence_indptr[sequence : sequence + 2].tolist()
        columns = [getattr(self, name)[start:end].tolist() for name in METRICS]
        return [TokenMetrics(*values) for values in zip(*columns, strict=True)]

    def __repr__(self) -> str:
        counts = np.bincount(self.status, minlength=len(ScoreStatus))
        told = ", ".join(f"{counts[status]} {status.word}" for status in ScoreStatus if counts[status])
        return f"{type(self).__name__}({len(self)} sequences, {self.status.size} tokens: {told or 'none'})"


COLUMNS: Mapping[str, type[np.generic]] = {
    each.name: each.metadata[DTYPE] for each in fields(Scores) if DTYPE in each.metadata
}
"""Name and type of each column."""

OPTIONAL_ARRAYS: Mapping[str, type[np.generic]] = {
    each.name: each.metadata[OPTIONAL] for each in fields(Scores) if OPTIONAL in each.metadata
}
"""Name and type of each array that may be None."""


def _optional_arrays(given: Mapping[str, ArrayLike | None]) -> dict[str, Any]:
    """Those of ``given`` that are there, each in its type."""
    return {
        name: flat_array(name, value, dtype)
        for name, dtype in OPTIONAL_ARRAYS.items()
        if (value := given.get(name)) is not None
    }
