"""A sequence under repair: its best cut so far, and what becomes of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from token_difr.records import Fidelity, TokenSequence, TopKBatch
from token_difr.segmentation.judge import Floats, Judge
from token_difr.segmentation.spelling import Speller

__all__ = ["LEAST_GAIN", "MOST_REFUSALS", "Patient", "Repaired", "Wish"]

LEAST_GAIN = 0.5
"""Nats that a cut must save over all tokens to be kept."""
MOST_REPAIRS = 8
"""Cuts that are kept in one sequence."""
MOST_REFUSALS = 4
"""Cuts in a row that save nothing, after which a sequence is left as it is."""


class Repaired(NamedTuple):
    """A sequence that is cut otherwise, and its rows."""

    sequence: TokenSequence
    rows: TopKBatch


class Wish(NamedTuple):
    """A cut that a sequence would have rows of.

    Attributes:
        tokens: The whole output.
        promise: What it may save, nats; where requests are few, the larger goes first.
    """

    tokens: tuple[int, ...]
    promise: float


class Patient(ABC):
    """A sequence, its best cut so far with its rows, and the best that may be scored, if one was found.

    Args:
        index: Of the sequence.
        sequence: As the tokenizer cuts it.
        lengths: That its output may have; None = not known.
        rows: Its rows; None = it was never scored.
        judge: What cuts are judged by.
        speller: The model's tokenizer.
    """

    def __init__(
        self,
        index: int,
        sequence: TokenSequence,
        lengths: range | None,
        rows: TopKBatch | None,
        *,
        judge: Judge,
        speller: Speller,
    ) -> None:
        self.index = index
        self.sequence = sequence
        self.rows = rows
        self.result: Repaired | None = None
        self.kept = 0
        self.refused = 0
        self._lengths = lengths
        self._wish: Wish | None = None
        self._looked = False
        self._judge = judge
        self._speller = speller

    @property
    def output(self) -> list[int]:
        """The best cut so far."""
        return [int(token) for token in self.sequence.output_token_ids]

    @property
    def is_wrong(self) -> bool:
        """Whether the number of tokens tells that the text is cut otherwise."""
        return self.off(len(self.output)) > 0

    @property
    def is_begun(self) -> bool:
        """Whether rows of it are known."""
        return self.rows is not None and len(self.rows) > 0

    def wish(self) -> Wish | None:
        """What to ask for next; None = nothing more. A sequence that was never scored is asked for as it is."""
        if self.kept >= MOST_REPAIRS or self.refused >= self._patience():
            return None
        if not self._looked:
            known = self.rows if self.is_begun else None
            self._wish = Wish(tuple(self.output), 0.0) if known is None else self._next(known)
            self._looked = True
        return self._wish

    def take(self, tokens: tuple[int, ...], rows: TopKBatch) -> None:
        """The answer of the reference for a cut: kept, or never asked for again."""
        self._looked = False
        if self.rows is None or not self.is_begun:
            self.rows = rows
        else:
            self._learn(self.rows, tokens, rows)

    def as_cut(self, tokens: Sequence[int]) -> TokenSequence:
        """The sequence with other tokens; if the provider counted it, counted where they are as many as it says."""
        fidelity = self.sequence.fidelity
        if self._lengths is not None and fidelity is not Fidelity.UNCOUNTED:
            fidelity = Fidelity.CONTRADICTED if self.off(len(tokens)) else Fidelity.COUNTED
        return replace(self.sequence, output_token_ids=list(tokens), fidelity=fidelity, repaired=True)

    def off(self, length: int) -> int:
        """Tokens too few or too many in an output of so many."""
        known = self._lengths
        return 0 if known is None else max(known.start - length, length - known.stop + 1, 0)

    def losses(self, rows: TopKBatch) -> Floats:
        """Of each token of some cut, nats."""
        return self._judge.losses(self.index, rows)

    def keep(self, before: TopKBatch, tokens: tuple[int, ...], rows: TopKBatch) -> bool:
        """Take a cut for the best so far, if it saves enough over the whole sequence."""
        if float(self.losses(before).sum() - self.losses(rows).sum()) <= LEAST_GAIN:
            self.refused += 1
            return False
        self.sequence, self.rows = self.as_cut(tokens), rows
        self.kept, self.refused = self.kept + 1, 0
        self.result = Repaired(self.sequence, rows) if self.sequence.scorable else self.result
        return True

    @abstractmethod
    def _patience(self) -> int:
        """Cuts in a row that save nothing, after which the sequence is left as it is."""

    @abstractmethod
    def _next(self, rows: TopKBatch) -> Wish | None:
        """The next cut to ask for, given the rows of the best so far."""

    @abstractmethod
    def _learn(self, before: TopKBatch, tokens: tuple[int, ...], rows: TopKBatch) -> None:
        """The rows of the best cut so far, and those of the one that was asked for."""
