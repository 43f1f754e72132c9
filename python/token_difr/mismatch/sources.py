"""Where both sides' logprobs come from: a run directory, or rollouts and a reference that scores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from token_difr.answers import check_prompts
from token_difr.errors import InputError
from token_difr.mismatch.measure import Mismatch, measure_mismatch
from token_difr.mismatch.quantities import Compared, Quantity, compared
from token_difr.records import SamplingParams, TokenSequence
from token_difr.rollouts import Response, Rollouts
from token_difr.sequences import render
from token_difr.services import own_logprobs

if TYPE_CHECKING:
    from token_difr.reference import Reference
    from token_difr.run import RunDirectory
    from token_difr.sequences import Tokenizer

__all__ = ["mismatch_against", "run_mismatch"]


def run_mismatch(run: RunDirectory, *, sampler_logprobs: Quantity | None = None, bins: int = 8) -> Mismatch:
    """Sampler against trainer in a run whose provider gave logprobs: its answers' and the reference's.

    Answers whose logprobs are not one a token are left out. Where the run was drawn at another temperature than 1, or with
    filters, logprobs of the draw are compared with logprobs of the draw, and the model's own with the model's own.

    Args:
        run: The run.
        sampler_logprobs: What the provider's logprobs are; None = what they are nearer to, see
            :func:`~token_difr.mismatch.quantities.compared`.
        bins: Ranges of positions.

    Raises:
        InputError: No answer has logprobs of its tokens (``collect --provider-logprobs`` asks for them), or like
            quantities cannot be had.
        RunDirectoryError: Rows are missing.
    """
    batch, responses = run.batch(), run.responses()
    lengths = np.diff(batch.sequence_indptr).tolist()
    sampler = [_whole(own_logprobs(responses[index].choice), length) for index, length in enumerate(lengths)]
    if not any(len(each) for each in sampler):
        raise InputError(
            f"no answer in {run.path} has logprobs of its tokens: collect it with --provider-logprobs, and from a "
            "provider that gives its token ids"
        )
    scored = run.audit.scored
    width = None if scored is None else scored.vocab_size
    like = compared(sampler, batch, run.audit.params, quantity=sampler_logprobs, vocab_size=width)
    return _measured(sampler, like, bins)


def _whole(logprobs: Sequence[float] | None, tokens: int) -> NDArray[np.float64]:
    """An answer's logprobs, where there is one a token; the end token may have none."""
    whole = logprobs and tokens - len(logprobs) in {0, 1}
    return np.array(logprobs if whole else (), np.float64)


def _measured(sampler: Sequence[NDArray[np.float64]], like: Compared, bins: int) -> Mismatch:
    trainer = [theirs[: len(ours)] for ours, theirs in zip(sampler, like.trainer, strict=True)]
    found = measure_mismatch(sampler, trainer, bins=bins)
    return replace(found, compared=like.words, caveats=like.caveats)


async def mismatch_against(
    rollouts: Sequence[Rollouts],
    reference: Reference,
    tokenizer: Tokenizer,
    *,
    chat_template_kwargs: Mapping[str, Any] | None = None,
    sampler_logprobs: Quantity | None = None,
    params: SamplingParams | None = None,
    concurrency: int = 8,
    bins: int = 8,
) -> Mismatch:
    """Sampler against trainer: rollouts with their logprobs, and a reference that is asked for those of the same tokens.

    Args:
        rollouts: Drawn with ``logprobs``, from a provider that gives token ids.
        reference: The trainer's side.
        tokenizer: The model's tokenizer, for prompts that the provider rendered.
        chat_template_kwargs: Variables of the chat template that it was sent.
        sampler_logprobs: See :func:`run_mismatch`.
        params: How the tokens were drawn; None = as the rollouts say, which know temperature and top-p.
        concurrency: Requests in flight.
        bins: Ranges of positions.

    Raises:
        InputError: No response has token ids and one logprob for each, or a prompt's tokens are not known: one that
            handed over the beginning of the answer, or was sent as text; rollouts that were drawn in different ways; or
            like quantities cannot be had.
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
    params = params or _drawn_with(rollouts)
    batch = await reference.topk(sequences, concurrency=concurrency, progress=False)
    return _measured(sampler, compared(sampler, batch, params, quantity=sampler_logprobs), bins)


def _drawn_with(rollouts: Sequence[Rollouts]) -> SamplingParams:
    ways = {(each.temperature, each.top_p) for each in rollouts}
    if len(ways) > 1:
        raise InputError(
            f"the rollouts were drawn in {len(ways)} ways (temperature and top-p: {sorted(ways)}): measure each alone"
        )
    ((temperature, top_p),) = ways
    return SamplingParams(temperature=temperature, top_p=top_p)


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
