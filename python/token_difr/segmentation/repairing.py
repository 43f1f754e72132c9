"""Asking the reference for other cuts, round after round, and keeping the better ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from token_difr.records import Fidelity, TokenSequence, TopKBatch
from token_difr.segmentation.cuts import Cut, cuts
from token_difr.segmentation.judge import Judge
from token_difr.segmentation.spelling import Speller

__all__ = ["Question", "Repaired", "is_repairable", "repair"]

REPAIRABLE = {Fidelity.COUNTED, Fidelity.UNCOUNTED, Fidelity.CONTRADICTED}
LEAST_GAIN = 0.5
"""Nats that a cut must save over all tokens to be kept."""
NEAR = 3
"""Tokens behind a cut that saved nothing, at which it is cut once more: two steps off the tokenizer's way."""
DETOUR = 1
"""Tokens that a cut may be further off the provider's count where the choice is known: a model that once writes a longer
token than the tokenizer and elsewhere two shorter ones is found step by step."""
MOST_REPAIRS = 8
"""Cuts that are kept in one sequence."""
MOST_REFUSALS = 4
"""Cuts in a row that save nothing, after which a sequence is left as it is."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the reference is asked for: the rows of a sequence in some cut.

    Attributes:
        index: Of the sequence.
        sequence: Its prompt and the output as it is cut.
    """

    index: int
    sequence: TokenSequence

    @property
    def tokens(self) -> tuple[int, ...]:
        """The output."""
        return tuple(self.sequence.output_token_ids)


class Repaired(NamedTuple):
    """A sequence that is cut otherwise, and its rows."""

    sequence: TokenSequence
    rows: TopKBatch


Ask = Callable[[Sequence[Question]], Awaitable[Sequence[TopKBatch]]]
"""Rows of some questions, in order."""


async def repair(
    sequences: Mapping[int, TokenSequence],
    rows: Mapping[int, TopKBatch],
    *,
    judge: Judge,
    speller: Speller,
    lengths: Mapping[int, range],
    remembered: Mapping[tuple[int, tuple[int, ...]], TopKBatch],
    ask: Ask,
    requests: int,
) -> dict[int, Repaired]:
    """Find better cuts of outputs that were rebuilt from text.

    Every round asks for the most promising cut of each sequence, as far as the requests last; what is asked does not
    depend on the order in which answers arrive, nor on how often a repair was stopped and gone on with. A cut is kept if
    its losses sum to less, by half a nat. Its text is that of the sequence, always.

    Args:
        sequences: Those with ids of the provider's own, incomplete ones and repaired ones are left as they are.
        rows: Of the sequences that are scorable, a batch of one sequence each.
        judge: What cuts are judged by.
        speller: The model's tokenizer.
        lengths: That outputs have, where it is known (:func:`~token_difr.sequences.expected_lengths`). No cut is asked for
            that is further off than the one at hand, by more than one token where the choice is known. An output that the
            provider counted is kept only at such a length.
        remembered: Rows that were asked for before, by index and output.
        ask: Asks the reference.
        requests: The most that it may be asked, the remembered rows included.

    Returns:
        What is cut otherwise than before, by index.
    """
    patients = [
        _Patient(index, sequence, lengths.get(index), rows.get(index))
        for index, sequence in sorted(sequences.items())
        if is_repairable(sequence)
    ]
    known, left = dict(remembered), requests - len(remembered)
    while True:
        wanted = [(patient, cut) for patient in patients if (cut := patient.next_cut(judge, speller)) is not None]
        wanted.sort(key=lambda pair: (-pair[1].promise, pair[0].index))
        new = [pair for pair in wanted if (pair[0].index, pair[1].tokens) not in known][: max(left, 0)]
        answers = await ask([Question(patient.index, patient.as_cut(cut)) for patient, cut in new]) if new else ()
        known |= {(patient.index, cut.tokens): rows for (patient, cut), rows in zip(new, answers, strict=True)}
        left -= len(new)
        answered = [pair for pair in wanted if (pair[0].index, pair[1].tokens) in known]
        if not answered:
            break
        for patient, cut in answered:
            patient.take(cut, known[patient.index, cut.tokens], judge, speller)
    return {patient.index: patient.result for patient in patients if patient.result is not None}


def is_repairable(sequence: TokenSequence) -> bool:
    """Whether its text may be cut otherwise: it was rebuilt from the whole text, and was not repaired yet."""
    return sequence.fidelity in REPAIRABLE and not sequence.repaired and len(sequence.output_token_ids) > 0


@dataclass
class _Patient:
    """A sequence under repair: its best cut so far, what was tried, and the best that may be scored, if one was found."""

    index: int
    sequence: TokenSequence
    lengths: range | None
    rows: TopKBatch | None
    kept: int = 0
    refused: int = 0
    tried: set[tuple[int, ...]] = field(default_factory=set)
    waiting: list[Cut] | None = None
    result: Repaired | None = None

    def next_cut(self, judge: Judge, speller: Speller) -> Cut | None:
        """What to ask for next; None = nothing more. A sequence that was never scored is asked for as it is."""
        if self.kept >= MOST_REPAIRS or self.refused >= (judge.patience if self.sequence.scorable else MOST_REFUSALS):
            return None
        if self.rows is None or not len(self.rows):
            return Cut(tuple(self.sequence.output_token_ids), 0, 0.0, 0.0)
        if self.waiting is None:
            self.waiting = self._sorted(cuts(self.index, self.sequence, self.rows, judge, speller), judge)
        return self.waiting[0] if self.waiting else None

    def take(self, cut: Cut, rows: TopKBatch, judge: Judge, speller: Speller) -> None:
        """The answer of the reference for a cut: kept, or never asked for again."""
        self.tried.add(cut.tokens)
        if self.rows is None or not len(self.rows):
            self.rows = rows
            return
        gain = self._loss(self.rows, judge) - self._loss(rows, judge)
        if gain > LEAST_GAIN:
            self.sequence, self.rows = self.as_cut(cut), rows
            self.kept, self.refused, self.waiting = self.kept + 1, 0, None
            self.result = Repaired(self.sequence, rows) if self.sequence.scorable else self.result
        else:
            self.refused += 1
            onward = self._onward(cut, rows, judge, speller)
            self.waiting = self._sorted([*(self.waiting or []), *onward], judge)

    def _onward(self, cut: Cut, rows: TopKBatch, judge: Judge, speller: Speller) -> list[Cut]:
        """Cuts that go on from one that saved nothing: the model may have left the tokenizer's way twice in a row."""
        losses = judge.losses(self.index, rows)
        return [
            further._replace(saved=cut.saved, loss=further.loss + float(losses[cut.position : further.position].sum()))
            for further in cuts(self.index, self.as_cut(cut), rows, judge, speller)
            if cut.position < further.position <= cut.position + NEAR
        ]

    def as_cut(self, cut: Cut) -> TokenSequence:
        """The sequence with the tokens of a cut; counted if they are as many as the provider says."""
        fidelity = self.sequence.fidelity
        if self.lengths is not None and fidelity is not Fidelity.UNCOUNTED:
            fidelity = Fidelity.CONTRADICTED if self._off(cut.tokens) else Fidelity.COUNTED
        return replace(self.sequence, output_token_ids=list(cut.tokens), fidelity=fidelity, repaired=True)

    def _sorted(self, found: Sequence[Cut], judge: Judge) -> list[Cut]:
        """Those that may be asked for, what is asked next first."""
        most = self._off(self.sequence.output_token_ids) + (0 if judge.counts_first else DETOUR)
        allowed = [
            cut
            for cut in found
            if cut.promise > judge.least_promise and cut.tokens not in self.tried and self._off(cut.tokens) <= most
        ]
        return sorted(allowed, key=lambda cut: (self._off(cut.tokens) if judge.counts_first else 0, -cut.promise))

    def _off(self, tokens: Sequence[int]) -> int:
        """Tokens too few or too many."""
        known = self.lengths
        return 0 if known is None else max(known.start - len(tokens), len(tokens) - known.stop + 1, 0)

    def _loss(self, rows: TopKBatch, judge: Judge) -> float:
        return float(judge.losses(self.index, rows).sum())
