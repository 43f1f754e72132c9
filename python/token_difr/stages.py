"""Each stage over a run directory: what the directory lacks of it is done, and kept as it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from token_difr.collect import collect
from token_difr.errors import RunDirectoryError
from token_difr.reference import Reference
from token_difr.run_directory import RunDirectory
from token_difr.sampling import SamplingParams
from token_difr.score import Scores, score
from token_difr.tokenize import Tokenizer, tokenize

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["collect_run", "reference_run", "score_run", "tokenize_run"]

T = TypeVar("T")


async def collect_run(run: RunDirectory, client: AsyncOpenAI, *, concurrency: int = 8, progress: bool = True) -> None:
    """Ask the provider for the answers that ``run`` lacks.

    Raises:
        RunDirectoryError: The run does not state a model, ``params`` or ``max_tokens`` yet.
        EndpointError: See :func:`~token_difr.collect.collect`.
    """
    identity = run.identity
    await collect(
        run.prompts,
        client=client,
        model=_stated(run, identity.model, "a model"),
        params=_stated(run, identity.params, "sampling parameters"),
        max_tokens=_stated(run, identity.max_tokens, "max_tokens"),
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
    new = [responses[index] for index in sorted(responses) if index not in done]
    sequences = tokenize(run.prompts, new, tokenizer, max_tokens=run.identity.max_tokens)
    run.keep_sequences({response.index: sequence for response, sequence in zip(new, sequences, strict=True)})


async def reference_run(
    run: RunDirectory, reference: Reference, *, concurrency: int = 8, progress: bool = True
) -> None:
    """Ask the reference for the rows that ``run`` lacks.

    Raises:
        RunDirectoryError: Token sequences are missing.
        EndpointError: See :meth:`~token_difr.reference.Reference.topk`.
    """
    sequences = run.sequences()
    _check_complete(run, sequences, "token sequences", "tokenize")
    await reference.topk(
        [sequences[index] for index in range(len(run.prompts))],
        concurrency=concurrency,
        answered=run.rows(),
        keep=run.keep_rows,
        progress=progress,
    )


def score_run(run: RunDirectory) -> Scores:
    """Score the rows of ``run``, and keep the scores there if it is open for writing.

    Raises:
        RunDirectoryError: Rows are missing.
    """
    scores = score(run.batch(), run.identity.params or SamplingParams())
    if run.writable:
        run.write_scores(scores.to_arrays())
    return scores


def _stated(run: RunDirectory, value: T | None, name: str) -> T:
    if value is None:
        raise RunDirectoryError(f"{run.path} does not state {name} yet: start it with the collect stage")
    return value


def _check_complete(run: RunDirectory, done: Mapping[int, object], things: str, stage: str) -> None:
    missing = len(run.prompts) - len(done)
    if missing:
        total = len(run.prompts)
        raise RunDirectoryError(f"{run.path} lacks the {things} of {missing} of {total} prompts: {stage} first")
