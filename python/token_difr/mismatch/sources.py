"""Where both sides' logprobs come from: a run directory, or rollouts and a reference that scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from token_difr.answers import check_prompts
from token_difr.errors import InputError
from token_difr.findings import claimed_logprobs
from token_difr.mismatch.measure import Mismatch, measure_mismatch
from token_difr.records import TokenSequence
from token_difr.rollouts import Response, Rollouts
from token_difr.sequences import render
from token_difr.services import own_logprobs

if TYPE_CHECKING:
    from token_difr.reference import Reference
    from token_difr.run import RunDirectory
    from token_difr.sequences import Tokenizer

__all__ = ["mismatch_against", "run_mismatch"]


def run_mismatch(run: RunDirectory, *, bins: int = 8) -> Mismatch:
    """Sampler against trainer in a run whose provider gave logprobs: its answers' and the reference's.

    Answers whose logprobs are not one a token are left out.

    Raises:
        InputError: No answer has logprobs of its tokens; ``collect --provider-logprobs`` asks for them.
        RunDirectoryError: Rows are missing.
    """
    batch, responses = run.batch(), run.responses()
    theirs = np.split(claimed_logprobs(batch), batch.sequence_indptr[1:-1])
    pairs = []
    for index, trainer in enumerate(theirs):
        sampler = own_logprobs(responses[index].choice)
        if sampler and len(trainer) - len(sampler) in {0, 1}:  # the end token may have none
            pairs.append((np.array(sampler), trainer[: len(sampler)]))
    if not pairs:
        raise InputError(
            f"no answer in {run.path} has logprobs of its tokens: collect it with --provider-logprobs, and from a "
            "provider that gives its token ids"
        )
    return measure_mismatch([sampler for sampler, _ in pairs], [trainer for _, trainer in pairs], bins=bins)


async def mismatch_against(
    rollouts: Sequence[Rollouts],
    reference: Reference,
    tokenizer: Tokenizer,
    *,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    concurrency: int = 8,
    bins: int = 8,
) -> Mismatch:
    """Sampler against trainer: rollouts with their logprobs, and a reference that is asked for those of the same tokens.

    Args:
        rollouts: Drawn with ``logprobs``, from a provider that gives token ids.
        reference: The trainer's side.
        tokenizer: The model's tokenizer, for prompts that the provider rendered.
        chat_template_kwargs: Variables of the chat template that it was sent.
        concurrency: Requests in flight.
        bins: Ranges of positions.

    Raises:
        InputError: No response has token ids and one logprob for each, or a prompt's tokens are not known: one that
            handed over the beginning of the answer, or was sent as text.
        EndpointError: The reference failed.
    """
    sequences: list[TokenSequence] = []
    sampler: list[NDArray[np.float64]] = []
    for each in rollouts:
        prompt = _prompt_ids(each, tokenizer, chat_template_kwargs)
        for response in each:
            values = _own_logprobs(response)
            if values is not None and response.token_ids:
                sequences.append(TokenSequence(prompt, response.token_ids))
                sampler.append(values)
    if not sequences:
        raise InputError("no response has token ids with one logprob each: draw with logprobs=0 from vLLM or Fireworks")
    batch = await reference.topk(sequences, concurrency=concurrency, progress=False)
    trainer = np.split(claimed_logprobs(batch), batch.sequence_indptr[1:-1])
    return measure_mismatch(sampler, trainer, bins=bins)


def _prompt_ids(rollouts: Rollouts, tokenizer: Tokenizer, chat_template_kwargs: Mapping[str, Any] | None) -> list[int]:
    """The prompt as the model read it."""
    if rollouts.prompt_token_ids is not None:
        return rollouts.prompt_token_ids
    if rollouts.begun or any(response.prompt_text for response in rollouts):
        raise InputError(
            "the tokens of a prompt that begins the answer, or was sent as text, are not known: draw it with "
            'endpoint="completions" from a provider that takes token ids'
        )
    (conversation,) = check_prompts([rollouts.prompt])
    return render(conversation, tokenizer, chat_template_kwargs)


def _own_logprobs(response: Response) -> NDArray[np.float64] | None:
    """Of the answer's tokens, one each; None where that is not so."""
    made = response.get_generation_logprobs()
    if made is None or not response.token_ids or len(made) != len(response.token_ids):
        return None
    return np.array([np.nan if value is None else value for value in made.token_logprobs])
