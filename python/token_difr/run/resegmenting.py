"""Segmentation repair over a run directory: what is asked and answered is kept, so that a killed repair goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from token_difr.errors import InputError
from token_difr.records import Audit, TopKBatch
from token_difr.reference import Reference, Unread, no_rows
from token_difr.run.directory import RunDirectory
from token_difr.run.repair_limit import most_repair_requests
from token_difr.run.stages import reading_options
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.segmentation import (
    LARGEST_LOSS,
    LIKELIHOOD,
    Judge,
    Question,
    Speller,
    by_choice,
    is_repairable,
    repair,
)
from token_difr.segmentation.judge import Floats
from token_difr.sequences import Tokenizer, expected_lengths

__all__ = ["judge_of", "resegment_run"]

AskedFor = tuple[int, tuple[int, ...]]
"""The index of a sequence, and its output as it is cut."""


async def resegment_run(
    run: RunDirectory,
    reference: Reference,
    tokenizer: Tokenizer,
    *,
    requests: int | None = None,
    concurrency: int = 8,
    progress: bool = True,
) -> None:
    """Cut answers of ``run`` that were rebuilt from text as the reference finds them likelier.

    A reference that reads text instead of ids cannot tell two cuts apart: nothing is asked of it.

    Args:
        run: A run with all its rows.
        reference: The reference that gave them.
        tokenizer: The model's tokenizer.
        requests: The most that the run's repair may ask it, over all calls; None = as its record says, 0 = no repair.
        concurrency: Requests in flight.
        progress: Show progress bars.

    Raises:
        InputError: ``requests`` below 0.
        EndpointError: See :meth:`~token_difr.reference.Reference.topk`; what has arrived is kept.
    """
    sequences = {index: sequence for index, sequence in run.sequences().items() if sequence.unread is None}
    most = most_repair_requests(run.audit) if requests is None else requests
    if most < 0:
        raise InputError(f"repair_requests must be at least 0, not {most}")
    if not most or not reference.reads_ids:
        return

    async def ask(questions: Sequence[Question]) -> list[TopKBatch]:
        def keep(place: int, rows: TopKBatch) -> None:
            run.keep_cut(questions[place].index, questions[place].tokens, rows)

        asked = [question.sequence for question in questions]
        read = await reference.read(asked, concurrency=concurrency, keep=keep, most_unread=1, progress=progress)
        for place, rows in read.items():
            if isinstance(rows, Unread):  # it was asked for, and is not asked for again
                keep(place, no_rows(asked[place]))
        known = _readable(run.asked_cuts())
        return [known[question.index, question.tokens] for question in questions]

    answers = list(run.responses().values()) if any(map(is_repairable, sequences.values())) else []
    done = await repair(
        sequences,
        run.rows(),
        judge=judge_of(run.audit),
        speller=Speller(tokenizer),
        lengths=expected_lengths(run.prompts, answers, tokenizer, **reading_options(run.audit)),
        remembered=_readable(run.asked_cuts()),
        ask=ask,
        requests=most,
    )
    run.keep_sequences({index: repaired.sequence for index, repaired in done.items()})
    for index, repaired in done.items():
        run.keep_rows(index, repaired.rows)


def _readable(cuts: Mapping[AskedFor, TopKBatch]) -> dict[AskedFor, TopKBatch]:
    """Rows of cuts; of one that the reference could not read, rows that are sure of other tokens."""
    return {asked: rows if len(rows) else _sure_of_others(asked[1]) for asked, rows in cuts.items()}


def _sure_of_others(tokens: Sequence[int]) -> TopKBatch:
    return TopKBatch.from_rows(
        [[(int(token == 0), 0.0)] for token in tokens], tokens, claimed_logprob=[-LARGEST_LOSS] * len(tokens)
    )


def judge_of(audit: Audit) -> Judge:
    """What cuts are judged by: the choice where it is known, at temperature 0 or by a replay; else the likelihood."""
    if not audit.params.greedy and not audit.replays:
        return LIKELIHOOD
    sampler = Sampler.parse(audit.sampler) if audit.replays and audit.sampler else None
    width = None if audit.scored is None else audit.scored.vocab_size

    def losses(index: int, rows: TopKBatch) -> Floats:
        params = replace(audit.params, seed=None if sampler is None else audit.params.seed_of(index))
        place = 0 if sampler is None else index % sampler.batch_size
        margins = score(_in_place(rows, place), params, sampler=sampler, vocab_size=width).margin_bound
        # An undecided token may have won: it loses nothing.
        return np.clip(np.nan_to_num(margins.astype(np.float64), nan=0.0, posinf=LARGEST_LOSS), 0.0, LARGEST_LOSS)

    return by_choice(losses)


def _in_place(rows: TopKBatch, place: int) -> TopKBatch:
    """The same sequence behind ``place`` empty ones: an engine's noise may depend on the row of its batch."""
    if not place:
        return rows
    arrays = rows.to_arrays()
    arrays["sequence_indptr"] = np.array([0] * (place + 1) + [len(rows)])
    if rows.prompt_lengths is not None:
        arrays["prompt_lengths"] = np.repeat(rows.prompt_lengths, place + 1)
    return TopKBatch.from_arrays(arrays)
