"""Each stage over a run directory: what the directory lacks of it is done, and kept as it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from token_difr.answers import Provider, collect
from token_difr.errors import InputError, RunDirectoryError
from token_difr.records import Asking, AuditIdentity, SamplingParams, Scores, TopKBatch
from token_difr.reference import Reference
from token_difr.run.directory import RunDirectory
from token_difr.sampler import Sampler
from token_difr.scores import score
from token_difr.sequences import TokenIds, Tokenizer, tokenize

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = [
    "asking_of",
    "check_replayable",
    "collect_run",
    "is_replayed",
    "reference_run",
    "score_run",
    "scored",
    "tokenize_run",
]

T = TypeVar("T")


async def collect_run(
    run: RunDirectory, client: AsyncOpenAI | Provider, *, concurrency: int = 8, progress: bool = True
) -> None:
    """Ask the provider for the answers that ``run`` lacks.

    Raises:
        RunDirectoryError: The run does not state a model, ``params`` or ``max_tokens`` yet.
        EndpointError: See :func:`~token_difr.answers.collecting`.
    """
    identity = run.identity
    await collect(
        run.prompts,
        client=client,
        model=_stated(run, identity.model, "a model"),
        params=_stated(run, identity.params, "sampling parameters"),
        max_tokens=_stated(run, identity.max_tokens, "max_tokens"),
        asking=asking_of(identity),
        concurrency=concurrency,
        answered=run.responses(),
        keep=run.keep_response,
        progress=progress,
    )


def asking_of(identity: AuditIdentity) -> Asking:
    """How the identity of an audit says that the provider is asked."""
    return Asking(
        service=identity.provider_service,
        only=identity.provider_only,
        chat_template_kwargs=identity.chat_template_kwargs,
        token_ids=bool(identity.token_ids),
        logprobs=bool(identity.provider_logprobs),
    )


def tokenize_run(run: RunDirectory, tokenizer: Tokenizer) -> None:
    """Tokenize the answers of ``run`` that have no token sequence yet.

    Raises:
        RunDirectoryError: Answers are missing.
    """
    responses, done = run.responses(), run.sequences()
    _check_complete(run, responses, "answers", "collect")
    new = [responses[index] for index in sorted(responses) if index not in done]
    token_ids: TokenIds = "ignore" if run.identity.token_ids is False else "auto"
    sequences = tokenize(
        run.prompts,
        new,
        tokenizer,
        max_tokens=run.identity.max_tokens,
        token_ids=token_ids,
        chat_template_kwargs=run.identity.chat_template_kwargs,
    )
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


def score_run(run: RunDirectory, *, replay: bool = True) -> Scores:
    """Score the rows of ``run``, and keep the scores there if it is open for writing.

    Args:
        run: A run with all its rows. Its identity says how the provider sampled, and by which sampler.
        replay: False = as if the sampler were not known.

    Raises:
        RunDirectoryError: Rows are missing.
        InputError: A sampler that cannot replay these rows; see :func:`~token_difr.scores`.
    """
    scores = scored(run.batch(), run.identity if replay else replace(run.identity, sampler=None))
    if run.writable:
        run.write_scores(scores.to_arrays())
    return scores


def scored(batch: TopKBatch, identity: AuditIdentity) -> Scores:
    """The scores of an audit's rows, by the parameters and the sampler that its identity states."""
    return score(
        batch,
        identity.params or SamplingParams(),
        sampler=Sampler.parse(identity.sampler) if identity.sampler else None,
        vocab_size=identity.vocab_size,
    )


def is_replayed(identity: AuditIdentity) -> bool:
    """Whether an audit's scores replay the sampler's noise: neither greedy, nor without a seed, nor without a sampler."""
    params = identity.params or SamplingParams()
    return not params.greedy and params.seed is not None and identity.sampler is not None


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
    score(nothing, replace(params, seed=params.seed_of(0)), sampler=sampler, vocab_size=vocab_size)


def _stated(run: RunDirectory, value: T | None, name: str) -> T:
    if value is None:
        raise RunDirectoryError(f"{run.path} does not state {name} yet: start it with the collect stage")
    return value


def _check_complete(run: RunDirectory, done: Mapping[int, object], things: str, stage: str) -> None:
    missing = len(run.prompts) - len(done)
    if missing:
        total = len(run.prompts)
        raise RunDirectoryError(f"{run.path} lacks the {things} of {missing} of {total} prompts: {stage} first")
