"""Scoring at a temperature above 0: which seed, position and row of the engine's batch each token's noise has."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from token_difr import _core
from token_difr.errors import InputError, SamplerError, UnreplayableError
from token_difr.records import SamplingParams, Scores, TopKBatch
from token_difr.sampler import Sampler, StreamKeys
from token_difr.scores.columns import scores_of

__all__ = ["Tail", "score_sampled", "stream_keys"]

Tail = Literal["ignore", "replay"]
"""What becomes of the noise of tokens that a row does not show."""


def score_sampled(
    batch: TopKBatch, params: SamplingParams, *, sampler: Sampler | None, vocab_size: int | None, tail: Tail
) -> Scores:
    """``score`` at a temperature above 0; see :mod:`token_difr.scores.scoring`."""
    stream, keys, width = None, None, None
    if sampler is not None and params.seed is not None:
        _refuse_unreplayable(sampler, params)
        stream, keys = sampler.native_stream(vocab_size), stream_keys(batch, params, sampler)
        width = _tail_width(vocab_size) if tail == "replay" else None
    try:
        filters = _core.Filters(
            sampler.filters if sampler else "vllm",
            temperature=params.temperature,
            top_k=params.top_k,
            top_p=params.top_p,
            min_p=params.min_p,
        )
        columns = _core.score_sampled(batch, filters, stream=stream, keys=keys, tail=width)
    except ValueError as error:
        raise InputError(str(error)) from None
    return scores_of(columns, batch)


def stream_keys(batch: TopKBatch, params: SamplingParams, sampler: Sampler) -> StreamKeys:
    """Where each token of a batch stands in the sampler's stream.

    Raises:
        InputError: Not one seed a sequence; prompt lengths that the stream needs and the batch does not know.
    """
    lengths = np.diff(batch.sequence_indptr)
    step = np.arange(len(batch)) - np.repeat(batch.sequence_indptr[:-1], lengths)
    if sampler.keyed_by == "position":
        step = step + np.repeat(_prompt_lengths(batch, sampler), lengths) - 1
    rows = np.arange(batch.n_sequences) % sampler.batch_size
    params.check_seeds(batch.n_sequences)
    seeds = np.array([(params.seed_of(i) or 0) % 2**64 for i in range(batch.n_sequences)], np.uint64)
    return StreamKeys(np.repeat(seeds, lengths), step.astype(np.uint64), np.repeat(rows, lengths).astype(np.uint32))


def _prompt_lengths(batch: TopKBatch, sampler: Sampler) -> NDArray[np.int64]:
    if batch.prompt_lengths is None:
        raise InputError(
            f"the noise of {sampler.name} depends on the token's position in the whole sequence: "
            "the batch needs prompt_lengths"
        )
    if (batch.prompt_lengths < 1).any():
        index = int((batch.prompt_lengths < 1).argmax())
        raise InputError(f"prompt_lengths[{index}] is 0: the noise of {sampler.name} needs a prompt")
    return batch.prompt_lengths


def _refuse_unreplayable(sampler: Sampler, params: SamplingParams) -> None:
    if sampler.filters == "sglang" and params.min_p > 0:
        raise UnreplayableError("SGLang refuses min_p together with a seed, so that no such tokens can be its own")
    filtered = params.top_k > 0 or params.top_p < 1 or params.min_p > 0
    if sampler.needs_filter and not filtered:
        raise UnreplayableError(f"{sampler.name} ignores the seed where neither top_k nor top_p is set")


def _tail_width(vocab_size: int | None) -> int:
    if vocab_size is None:
        raise SamplerError(
            "tail='replay' draws the noise of every id: give vocab_size, the width of the model's logits"
        )
    return vocab_size
