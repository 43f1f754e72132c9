"""The scores from dense tensors, the way token-difr 0.1 computed them: an independent check.

Rows are scattered into a tensor of one column a token id, -inf where a row shows nothing, and the arg-max taken over all
of it. Needs the extra ``torch`` and memory in proportion to ``vocab_size``.

At temperature 0, match, prob and margin equal the native scores wherever those are scored or censored, ranks wherever
they are scored and ``claimed_rank`` is not used. At higher temperatures, where noise comes from torch's own generator on
the CPU, all equal the native scores under the sampler ``torch-cpu`` wherever those are scored and either ``top_p`` is 1 or
``top_k`` lies inside the rows: elsewhere this path takes a row for the whole distribution, as 0.1 did.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from token_difr.errors import InputError
from token_difr.records import UNRESOLVED, SamplingParams, Scores, TopKBatch

if TYPE_CHECKING:
    import torch

__all__ = ["score_greedy", "score_sampled"]

ROWS_AT_ONCE = 256
"""Rows that are made dense together: 131 MB at a vocabulary of 128,256."""


def score_greedy(batch: TopKBatch, *, vocab_size: int) -> Scores:
    """The scores of a batch at temperature 0, over the ids below ``vocab_size``.

    A claimed token that is no candidate has prob 0, margin +inf and the rank of all candidates; an empty row gives
    NaN margins.

    Raises:
        InputError: An id that is ``UNRESOLVED``, or at or above ``vocab_size``.
        ModuleNotFoundError: torch is not installed.
    """
    _check_ids(batch, vocab_size)
    columns = {name: np.empty(len(batch), np.float32) for name in ("exact_match", "prob", "margin", "logit_rank")}
    for start in range(0, len(batch), ROWS_AT_ONCE):
        for name, values in _score_rows(batch, start, vocab_size).items():
            columns[name][start : start + ROWS_AT_ONCE] = values.numpy()
    return Scores.from_margins(sequence_indptr=batch.sequence_indptr, **columns)


def score_sampled(batch: TopKBatch, params: SamplingParams, *, vocab_size: int) -> Scores:
    """The scores of a batch at a temperature above 0, each sequence with a generator of its own on the CPU.

    Top-k, then top-p; min-p does not act. A claimed token that the filters drop has prob 0, margin and Gumbel rank +inf.

    Raises:
        InputError: An id that is ``UNRESOLVED``, or at or above ``vocab_size``; not one seed a sequence.
        ModuleNotFoundError: torch is not installed.
    """
    _check_ids(batch, vocab_size)
    params.check_seeds(batch.n_sequences)
    if params.seed is None:
        raise InputError("the noise of unseeded sequences is not known: give a seed")
    names = ("exact_match", "prob", "margin", "logit_rank", "gumbel_rank")
    columns = {name: np.empty(len(batch), np.float32) for name in names}
    for i, (start, end) in enumerate(pairwise(batch.sequence_indptr)):
        for name, values in _sample_rows(
            batch, slice(start, end), params, int(params.seed_of(i) or 0), vocab_size
        ).items():
            columns[name][start:end] = values.numpy()
    return Scores.from_margins(sequence_indptr=batch.sequence_indptr, **columns)


def _sample_rows(
    batch: TopKBatch, positions: slice, params: SamplingParams, seed: int, vocab_size: int
) -> dict[str, torch.Tensor]:
    import torch

    dense, claimed = _dense_rows(batch, positions, vocab_size)
    generator = torch.Generator().manual_seed(seed % 2**64)
    exponential = torch.stack([torch.empty(vocab_size).exponential_(generator=generator) for _ in dense] or [dense])
    kept = _kept(dense, params)
    probabilities = torch.where(kept, dense / params.temperature, -torch.inf).softmax(dim=1)
    ratio = probabilities / exponential
    noised = torch.where(kept, dense - params.temperature * exponential.log(), -torch.inf)

    def of_claimed(values: torch.Tensor) -> torch.Tensor:
        return values.gather(1, claimed[:, None])

    return {
        "exact_match": ratio.argmax(dim=1) == claimed,
        "prob": of_claimed(probabilities)[:, 0],
        "margin": noised.max(dim=1).values - of_claimed(noised)[:, 0],
        "logit_rank": (dense > of_claimed(dense)).sum(dim=1),
        "gumbel_rank": torch.where(of_claimed(kept)[:, 0], (ratio > of_claimed(ratio)).sum(dim=1), torch.inf),
    }


def _kept(dense: torch.Tensor, params: SamplingParams) -> torch.Tensor:
    """bool[rows, vocabulary]: what top-k, ties included, and then top-p leave."""
    import torch

    scaled = dense / params.temperature
    kept = dense > -torch.inf
    if params.top_k > 0:
        kept &= scaled >= scaled.topk(min(params.top_k, dense.shape[1]), dim=1).values[:, -1:]
    if params.top_p < 1:
        ascending, ids = torch.where(kept, scaled, -torch.inf).sort(dim=1)
        outside = ascending.softmax(dim=1).cumsum(dim=1) <= 1 - params.top_p
        outside[:, -1] = False
        kept &= ~outside.scatter(1, ids, outside)
    return kept


def _check_ids(batch: TopKBatch, vocab_size: int) -> None:
    highest = max(int(ids.max()) for ids in (batch.token_ids, batch.claimed) if ids.size) if len(batch) else -1
    if highest >= vocab_size:
        name = "UNRESOLVED" if highest == UNRESOLVED else str(highest)
        raise InputError(f"the batch names token id {name}: a dense tensor has ids below {vocab_size} only")


def _score_rows(batch: TopKBatch, start: int, vocab_size: int) -> dict[str, torch.Tensor]:
    import torch

    dense, claimed = _dense_rows(batch, slice(start, min(start + ROWS_AT_ONCE, len(batch))), vocab_size)
    logprob = dense.gather(1, claimed[:, None])
    best, reference = dense.max(dim=1).values, dense.argmax(dim=1)
    return {
        "exact_match": (reference == claimed) & torch.isfinite(best),
        "prob": logprob[:, 0].exp().clamp(max=1),
        "margin": best - logprob[:, 0],
        "logit_rank": (dense > logprob).sum(dim=1),
    }


def _dense_rows(batch: TopKBatch, positions: slice, vocab_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    start, end = positions.start, positions.stop
    entries = slice(batch.indptr[start], batch.indptr[end])
    lengths = np.diff(batch.indptr[start : end + 1])
    row = torch.from_numpy(np.repeat(np.arange(end - start), lengths))
    column = torch.from_numpy(batch.token_ids[entries].astype(np.int64))
    claimed = torch.from_numpy(batch.claimed[start:end].astype(np.int64))
    known = torch.from_numpy(batch.claimed_logprob[start:end].copy())
    dense = torch.full((end - start, vocab_size), -torch.inf)
    # The claimed token first: where the row has it, the row's value counts.
    dense[torch.arange(end - start), claimed] = torch.where(known.isnan(), -torch.inf, known)
    dense[row, column] = torch.from_numpy(batch.logprobs[entries].copy())
    return dense, claimed
