"""Causes by which the answers that we score are not, token by token, what the model wrote or would have gone on with.

Each is a pattern that its place gives away, and its test is how much commoner the pattern is than in the baseline's answers.
Other weights, or another prompt, raise the mismatches everywhere: so what counts is by how much the place exceeds the rest
of its own answer.
"""

from __future__ import annotations

import numpy as np

from token_difr.diagnosis.case import Case
from token_difr.diagnosis.contrasts import Sums
from token_difr.diagnosis.side import Side
from token_difr.diagnosis.token_classes import token_kinds
from token_difr.records import Cause, Fidelity
from token_difr.sequences import Tokenizer
from token_difr.verdict.positions import Flags, Floats

__all__ = ["cut_answers", "retokenized"]

LEAST = 0.1
"""The share of answers that must surely show a pattern beyond the baseline's."""
PART = 0.15
"""The share of first mismatches of a row of them that are another cut of the same text, from which on that parts the answers."""


def cut_answers(case: Case) -> Cause | None:
    """Whether answers were cut: by a limit below the one that was asked for, or where they are said to have ended."""
    sides = (case.candidate, case.baseline)
    early = [_cut_early(side) for side in sides]
    if case.excess(*map(Sums.of, early)) > LEAST:
        figures = {"answers": len(early[0]), "cut": int(early[0].sum()), "baseline": int(early[1].sum())}
        text = f"{figures['cut']} of {len(early[0])} answers were cut by a limit below the one that was asked for"
        advice = "look up the provider's own limit of an answer, and ask for no more than that, of the baseline too"
    elif case.excess(*map(_ends_beyond, sides)) > LEAST:
        ended = _ended(case.candidate)
        wrong = int(np.count_nonzero((case.candidate.mismatched & case.candidate.last)[_of(case.candidate, ended)]))
        figures = {"ended": int(ended.sum()), "end_not_expected": wrong}
        text = (
            f"{wrong} of {figures['ended']} answers that are said to have ended stop where the reference would go on: they "
            "were cut, or their end was"
        )
        advice = "ask the provider for its limits, stop strings and filters; compare the end of some answers with their finish reason"
    else:
        return None
    return Cause(name="cut_answers", text=text, advice=advice, shown=True, evidence=figures)


def retokenized(case: Case) -> Cause | None:
    """Whether answers are scored in other tokens than the model wrote: by the provider's counts, or by what the reference expects.

    Where a text is cut otherwise, the reference's own token at the first wrong place has the same text, as far as the shorter
    of both goes. Of other mismatches one in twenty does, whatever has made them.
    """
    sequences = case.candidate.evidence.sequences
    drifted = sum(sequence.fidelity is Fidelity.CONTRADICTED for sequence in sequences)
    made = sum(sequence.fidelity is not Fidelity.IDS for sequence in sequences)
    figures = {"answers": len(sequences), "without_ids": made, "other_number": drifted}
    advice = "ask for token ids (token_ids) where the provider gives them; else let repair cost more requests (repair_requests)"
    if case.withholds and 2 * drifted > sum(not sequence.scorable for sequence in sequences):
        text = (
            f"{drifted} of {len(sequences)} answers have another number of tokens than the provider counted: their text is not "
            "written with the tokens that the model wrote, and they are not scored"
        )
    elif (
        case.candidate.evidence.audit.params.greedy
        and case.excess(*(_other_cuts(each, case.tokenizer) for each in (case.candidate, case.baseline))) > 0
    ):
        text = "where the answers part, the reference often writes the same text in other tokens: "
        if made:
            text += f"{made} of {len(sequences)} came without token ids, and nothing tells how the model has cut them"
        else:
            text += "the provider's token ids spell its text, and are not those that the model wrote"
            advice = "tell the provider: its server makes token ids from the text anew"
    else:
        return None
    return Cause(name="retokenization", text=text, advice=advice, shown=True, evidence=figures)


def _ends_beyond(side: Side) -> Sums:
    """By how much the last token of an answer mismatches beyond the rest of it; in [-1, 1], 0 of answers that did not end."""
    (inside, lost), (outside, others) = (_counts(side, where) for where in (side.last, ~side.last))
    known = (inside > 0) & (outside > 0)
    beyond = lost[known] / inside[known] - others[known] / outside[known]
    return Sums.of(np.where(_ended(side)[known], beyond, 0.0), unit="nats")


def _counts(side: Side, where: Flags) -> tuple[Floats, Floats]:
    """float64[sequences] each: the decided tokens among some, and the mismatches."""
    return side.positions.summed(side.decided & where), side.positions.summed(side.mismatched & where)


def _cut_early(side: Side) -> Flags:
    """bool[sequences]: whether a limit has cut an answer that is shorter than what was asked for."""
    asked = side.evidence.audit.asked
    if asked is None:
        return np.zeros(len(side.lengths), np.bool_)
    return np.array(
        [
            response.ended is False
            and max(response.completion_tokens or 0, len(sequence.output_token_ids)) < asked.max_tokens
            for response, sequence in zip(side.evidence.responses, side.evidence.sequences, strict=True)
        ],
        np.bool_,
    )


def _ended(side: Side) -> Flags:
    """bool[sequences]: whether an answer is said to have ended by itself."""
    return np.array([response.ended is True for response in side.evidence.responses], np.bool_)


def _of(side: Side, sequences: Flags) -> Flags:
    """bool[positions]: those of some sequences."""
    return np.repeat(sequences, side.lengths)


def _other_cuts(side: Side, tokenizer: Tokenizer) -> Sums:
    """Mismatches whose text the reference writes too, less ``PART`` of all: above 0 where they are more than that.

    Of mismatches right behind each other the first alone: the others follow from it.
    """
    batch, lost = side.evidence.batch, side.mismatched
    lost = lost & ~(lost[side.before] & (side.before >= 0)) & (np.diff(batch.indptr) > 0)
    where = np.flatnonzero(lost)
    expected = batch.token_ids[batch.indptr[:-1][where]]
    texts = token_kinds(np.concatenate([batch.claimed[where], expected]), tokenizer).texts
    pairs = zip(batch.claimed[where].tolist(), expected.tolist(), strict=True)
    alike = np.zeros(len(batch))
    alike[where] = [_begins_alike(texts[ours], texts[theirs]) for ours, theirs in pairs]
    return Sums(side.positions.summed(alike - PART * lost), side.positions.summed(side.decided), "nats")


def _begins_alike(one: str, other: str) -> bool:
    return bool(one) and bool(other) and (one.startswith(other) or other.startswith(one))
