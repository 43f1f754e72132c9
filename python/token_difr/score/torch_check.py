"""The scores at temperature 0 from dense tensors, the way token-difr 0.1 computed them: an independent check.

Rows are scattered into a tensor of one column a token id, -inf where a row shows nothing, and the arg-max taken over all
of it. Needs the extra ``torch`` and memory in proportion to ``vocab_size``. Match, prob and margin equal the native
scores wherever those are scored or censored, ranks wherever they are scored and ``claimed_rank`` is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from token_difr.errors import InputError
from token_difr.records import UNRESOLVED, TopKBatch
from token_difr.score.scores import Scores

if TYPE_CHECKING:
    import torch

__all__ = ["score_greedy"]

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
    highest = max(int(ids.max()) for ids in (batch.token_ids, batch.claimed) if ids.size) if len(batch) else -1
    if highest >= vocab_size:
        name = "UNRESOLVED" if highest == UNRESOLVED else str(highest)
        raise InputError(f"the batch names token id {name}: a dense tensor has ids below {vocab_size} only")
    columns = {name: np.empty(len(batch), np.float32) for name in ("exact_match", "prob", "margin", "logit_rank")}
    for start in range(0, len(batch), ROWS_AT_ONCE):
        for name, values in _score_rows(batch, start, vocab_size).items():
            columns[name][start : start + ROWS_AT_ONCE] = values.numpy()
    return Scores.from_margins(sequence_indptr=batch.sequence_indptr, **columns)


def _score_rows(batch: TopKBatch, start: int, vocab_size: int) -> dict[str, torch.Tensor]:
    import torch

    dense, claimed = _dense_rows(batch, start, vocab_size)
    logprob = dense.gather(1, claimed[:, None])
    best, reference = dense.max(dim=1).values, dense.argmax(dim=1)
    return {
        "exact_match": (reference == claimed) & torch.isfinite(best),
        "prob": logprob[:, 0].exp().clamp(max=1),
        "margin": best - logprob[:, 0],
        "logit_rank": (dense > logprob).sum(dim=1),
    }


def _dense_rows(batch: TopKBatch, start: int, vocab_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    end = min(start + ROWS_AT_ONCE, len(batch))
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
