"""Asking the reference for other cuts, round after round, and keeping the better ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from token_difr.records import Fidelity, TokenSequence, TopKBatch
from token_difr.segmentation.judge import Judge
from token_difr.segmentation.patient import Repaired
from token_difr.segmentation.spelling import Speller
from token_difr.segmentation.spotwise import SpotwisePatient
from token_difr.segmentation.stepwise import StepwisePatient

__all__ = ["Question", "is_repairable", "repair"]

LEAST_A_ROUND = 8
"""Requests of a round. A round takes half of those that are left, so that what it begins can be brought to an end."""
REPAIRABLE = {Fidelity.COUNTED, Fidelity.UNCOUNTED, Fidelity.CONTRADICTED}


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

    Every round asks for the most promising cut of each sequence, as far as the requests last: first of those whose length
    tells that they are cut otherwise, then where more may be saved. What is asked does not depend on the order in which
    answers arrive, nor on how often a repair was stopped and gone on with. A cut is kept if its losses sum to less, by half
    a nat. Its text is that of the sequence, always.

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
    patient_of = StepwisePatient if judge.sees_the_rest else SpotwisePatient
    patients = [
        patient_of(index, sequence, lengths.get(index), rows.get(index), judge=judge, speller=speller)
        for index, sequence in sorted(sequences.items())
        if is_repairable(sequence)
    ]
    under_repair = {patient.index for patient in patients}
    known, payable = dict(remembered), requests - len(remembered)
    left = requests - sum(index not in under_repair for index, _ in remembered)
    while True:
        wanted = [(patient, wish) for patient in patients if (wish := patient.wish()) is not None]
        wanted.sort(key=lambda pair: (not pair[0].is_wrong, not pair[0].is_begun, -pair[1].promise, pair[0].index))
        turn = wanted[: min(max(left // 2, LEAST_A_ROUND), max(left, 0))]
        new = [pair for pair in turn if (pair[0].index, pair[1].tokens) not in known][: max(payable, 0)]
        answers = (
            await ask([Question(patient.index, patient.as_cut(wish.tokens)) for patient, wish in new]) if new else ()
        )
        known |= {(patient.index, wish.tokens): rows for (patient, wish), rows in zip(new, answers, strict=True)}
        left, payable = left - len(turn), payable - len(new)
        answered = [pair for pair in turn if (pair[0].index, pair[1].tokens) in known]
        if not answered:
            break
        for patient, wish in answered:
            patient.take(wish.tokens, known[patient.index, wish.tokens])
    return {patient.index: patient.result for patient in patients if patient.result is not None}


def is_repairable(sequence: TokenSequence) -> bool:
    """Whether its text may be cut otherwise: it was rebuilt from the whole text, and was not repaired yet."""
    return sequence.fidelity in REPAIRABLE and not sequence.repaired and len(sequence.output_token_ids) > 0
