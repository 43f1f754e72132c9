"""Each stage over a run directory: what the directory lacks of it is done, and kept as it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from token_difr.answers import Provider, collect
from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import Audit, SamplingParams, Scores, TokenSequence, TopKBatch
from token_difr.reference import Reference, Unread, no_rows
from token_difr.run.directory import RunDirectory
from token_difr.run.score_file import DigestedScores, digest_of
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.sequences import TokenIds, Tokenizer, tokenize
from token_difr.untrusted import printable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["check_replayable", "collect_run", "reading_options", "reference_run", "score_run", "scored", "tokenize_run"]


class ReadingOptions(TypedDict):
    """Options of :func:`~token_difr.sequences.tokenize`."""

    max_tokens: int | None
    token_ids: TokenIds
    chat_template_kwargs: Mapping[str, Any] | None


LONGEST_REASON = 400
"""Characters that are kept of what the reference did instead of giving rows."""


async def collect_run(
    run: RunDirectory, client: AsyncOpenAI | Provider, *, concurrency: int = 8, progress: bool = True
) -> None:
    """Ask the provider for the answers that ``run`` lacks.

    Raises:
        RunDirectoryError: The run does not state how the provider is asked.
        EndpointError: See :func:`~token_difr.answers.collect`.
    """
    asked = run.audit.asked
    if asked is None:
        raise RunDirectoryError(f"{run.path} does not state yet how the provider is asked: start it with collect")
    await collect(
        run.prompts,
        client=client,
        model=asked.model,
        params=asked.params,
        max_tokens=asked.max_tokens,
        asking=asked.asking,
        concurrency=concurrency,
        answered=run.responses(),
        keep=run.keep_response,
        progress=progress,
    )


def tokenize_run(run: RunDirectory, tokenizer: Tokenizer) -> None:
    """Tokenize the answers of ``run`` that have no token sequence yet.

    Raises:
        RunDirectoryError: Answers are missing.
    """
    responses, done = run.responses(), run.sequences()
    _check_complete(run, responses, "answers", "collect")
    answers = [responses[index] for index in sorted(responses)]  # those that are done too: all tell how is counted
    sequences = tokenize(run.prompts, answers, tokenizer, **reading_options(run.audit))
    made = {response.index: sequence for response, sequence in zip(answers, sequences, strict=True)}
    run.keep_sequences({index: sequence for index, sequence in made.items() if index not in done})


def reading_options(audit: Audit) -> ReadingOptions:
    """How the answers of an audit are read as tokens."""
    asked = audit.asked
    return {
        "max_tokens": None if asked is None else asked.max_tokens,
        "token_ids": "ignore" if asked is not None and not asked.asking.token_ids else "auto",
        "chat_template_kwargs": audit.asking.chat_template_kwargs,
    }


async def reference_run(
    run: RunDirectory, reference: Reference, *, concurrency: int = 8, progress: bool = True
) -> None:
    """Ask the reference for the rows that ``run`` lacks.

    Sequences that are not scorable get none, and those that a repair has asked for before are not asked for again. One
    that the reference cannot read as it was sent is kept with the reason, and is not scorable from then on.

    Raises:
        RunDirectoryError: Token sequences are missing.
        EndpointError: See :meth:`~token_difr.reference.Reference.read`; rows that have arrived are kept.
    """
    sequences = run.sequences()
    _check_complete(run, sequences, "token sequences", "tokenize")
    ordered = [sequences[index] for index in range(len(run.prompts))]
    answered, asked = run.rows(), run.asked_cuts()
    for index, sequence in enumerate(ordered):
        known = asked.get((index, tuple(sequence.output_token_ids)))
        if index not in answered and known is not None and len(known) and sequence.scorable:
            run.keep_rows(index, known)
    read = await reference.read(
        [sequence if sequence.scorable else replace(sequence, output_token_ids=[]) for sequence in ordered],
        concurrency=concurrency,
        answered=run.rows(),
        keep=run.keep_rows,
        progress=progress,
    )
    unread = {
        index: replace(ordered[index], unread=printable(rows.reason, longest=LONGEST_REASON))
        for index, rows in read.items()
        if isinstance(rows, Unread)
    }
    run.keep_sequences(unread)
    for index, sequence in unread.items():
        run.keep_rows(index, no_rows(sequence))


def score_run(run: RunDirectory, *, replay: bool = True) -> DigestedScores:
    """The scores of the rows of ``run``: those that are kept there, if they are of these rows; else they are made.

    Args:
        run: A run with all its rows. Its record says how the provider sampled, and by which sampler. Scores that are
            made are kept there if it is open for writing.
        replay: False = as if the sampler were not known. Such scores are not kept.

    Raises:
        RunDirectoryError: Rows are missing.
        InputError: A sampler that cannot replay these rows; see :func:`~token_difr.score`.
    """
    stored = run.stored_scores(replay=replay)
    if stored is not None:
        return stored
    sequences = run.sequences()
    ordered = [sequences[index] for index in range(len(run.prompts))]
    scores = scored(run.batch(), run.audit if replay else replace(run.audit, scored=None), ordered)
    return run.keep_scores(scores) if run.writable and replay else DigestedScores(scores, digest_of(scores))


def scored(batch: TopKBatch, audit: Audit, sequences: Sequence[TokenSequence] = ()) -> Scores:
    """The scores of an audit's rows, by the parameters and the sampler that its record states.

    Args:
        batch: The rows.
        audit: The record.
        sequences: What the rows are of, in order: those that are not scorable are withheld. None given = none is.
    """
    scores = score(
        batch,
        audit.params,
        sampler=None if audit.sampler is None else Sampler.parse(audit.sampler),
        vocab_size=None if audit.scored is None else audit.scored.vocab_size,
    )
    withheld = np.array([not sequence.scorable for sequence in sequences], np.bool_)
    unread = np.array([sequence.unread is not None for sequence in sequences], np.bool_)
    if not withheld.any():
        return scores
    return replace(scores, withheld=withheld, unread=unread if unread.any() else None)


def check_replayable(params: SamplingParams, sampler: Sampler | None, vocab_size: int | None) -> None:
    """Refuse, before anything is sent, what could not be scored afterwards.

    Raises:
        InputError: A sampler that cannot replay such parameters, or lacks the width of the logits; a seed shared by
            all answers, and no sampler to replay its noise.
    """
    if params.greedy:
        return
    if sampler is None and params.shares_seed:
        raise InputError(
            "one seed for all answers gives them the same noise, which only a replay can tell from the model's own "
            "choices: name the provider's sampler, or give no seed, or one a prompt"
        )
    nothing = TopKBatch(indptr=[0], token_ids=[], logprobs=[], claimed=[], sequence_indptr=[0], prompt_lengths=[])
    score(nothing, replace(params, seed=None if params.seed is None else 0), sampler=sampler, vocab_size=vocab_size)


def _check_complete(run: RunDirectory, done: Mapping[int, object], things: str, stage: str) -> None:
    missing = len(run.prompts) - len(done)
    if missing:
        total = len(run.prompts)
        raise RunDirectoryError(f"{run.path} lacks the {things} of {missing} of {total} prompts: {stage} first")
