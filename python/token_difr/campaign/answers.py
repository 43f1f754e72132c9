"""What the run directories of a date hold: every provider's answers to the same questions, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from token_difr.errors import RunDirectoryError
from token_difr.records import Report, TopKBatch
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory

__all__ = ["Answers", "Board", "board_of", "read_answers"]

NOT_ASKED = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The answers of one provider on one date.

    Attributes:
        questions: How many it was to be asked; None where it has no run directory.
        responses: How many it answered.
        tokens: What was answered, as token ids, by the digest of its question; those that are scored.
        outcomes: By the same digest of a tie: 0 the reference's token, 1 its second one, 2 any other or none. Empty for whole
            answers.
        gaps: By the same digest: the tie's gap, in nats; ties with an empty answer are not there.
        report: Its report; None where it has none on the scores that are there.
        damage: Why the run directory cannot be read; None where it can.
    """

    questions: int | None
    responses: int
    tokens: Mapping[str, tuple[int, ...]]
    outcomes: Mapping[str, int]
    gaps: Mapping[str, float]
    report: Report | None
    damage: str | None = None


NOTHING = Answers(questions=None, responses=0, tokens={}, outcomes={}, gaps={}, report=None)


def read_answers(path: Path) -> Answers:
    """What a run directory holds, be it unfinished, damaged or missing."""
    if not is_run_directory(path):
        return NOTHING
    try:
        with RunDirectory.read(path) as run:
            return _read(run)
    except RunDirectoryError as error:
        return Answers(questions=None, responses=0, tokens={}, outcomes={}, gaps={}, report=None, damage=str(error))


def _read(run: RunDirectory) -> Answers:
    digests, sequences, rows = run.prompt_digests, run.sequences(), run.rows()
    judged = run.audit.judged
    of_ties = judged is not None and judged.of_ties
    ties = {digests[index]: _tie(rows[index]) for index in rows if of_ties}
    try:
        report = run.report()
    except RunDirectoryError:  # unfinished, or edited: nothing to show
        report = None
    return Answers(
        questions=len(digests),
        responses=len(run.responses()),
        tokens={digests[index]: tuple(sequence.output_token_ids) for index, sequence in sequences.items()},
        outcomes={digest: outcome for digest, (outcome, _) in ties.items()},
        gaps={digest: gap for digest, (_, gap) in ties.items() if gap is not None},
        report=report,
    )


def _tie(row: TopKBatch) -> tuple[int, float | None]:
    """Which token was given behind a tie, and the tie's gap in nats; None where there was no answer, and so no row."""
    if not len(row.claimed):
        return 2, None
    order = np.argsort(-np.asarray(row.logprobs), kind="stable")[:2]
    first, second = (np.asarray(row.token_ids)[order]).tolist()
    outcome = {first: 0, second: 1}.get(int(row.claimed[0]), 2)
    return outcome, float(row.logprobs[order[0]] - row.logprobs[order[1]])


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """The answers of several providers, or of several dates, to the same questions.

    Attributes:
        gaps: float64[places], in nats; NaN for whole answers.
        outcomes: int8[sides, places]; of ties as in :class:`Answers`, -1 where not asked. Of whole answers all -1.
        tokens: int64[sides, places]; a number for each answer, the same for the same one; of ties 0 for the reference's token;
            -1 where not asked.
    """

    gaps: npt.NDArray[np.float64]
    outcomes: npt.NDArray[np.int8]
    tokens: npt.NDArray[np.int64]


def board_of(sides: Sequence[Answers]) -> Board:
    """The answers of ``sides`` side by side; places are the questions that any of them answered."""
    gaps: dict[str, float] = {}
    for side in sides:
        gaps.update(side.gaps)
    digests = sorted({digest for side in sides for digest in side.tokens})
    outcomes = [[side.outcomes.get(digest, NOT_ASKED) for digest in digests] for side in sides]
    return Board(
        gaps=np.array([gaps.get(digest, np.nan) for digest in digests], np.float64),
        outcomes=np.array(outcomes, np.int8).reshape(len(sides), len(digests)),
        tokens=np.array(list(_numbered(sides, digests)), np.int64).reshape(len(digests), len(sides)).T,
    )


def _numbered(sides: Sequence[Answers], digests: Sequence[str]) -> Iterator[list[int]]:
    """Of each place: what every side answered, as a number."""
    for digest in digests:
        numbers: dict[tuple[int, ...], int] = {}
        place = []
        for side in sides:
            answer = side.tokens.get(digest)
            if answer is None:
                place.append(NOT_ASKED)
            else:
                own = side.outcomes.get(digest) == 0
                place.append(0 if own else numbers.setdefault(answer, len(numbers) + 1))
        yield place
