"""From the native core's columns to the record of scores."""

from __future__ import annotations

import numpy as np

from token_difr import _core
from token_difr.records import Scores, TopKBatch

__all__ = ["scores_of"]


def scores_of(columns: _core.ScoreColumns, batch: TopKBatch) -> Scores:
    """The scores of a batch; without a surprise, as at temperature 0, that column is NaN."""
    surprise = columns.surprise
    return Scores(
        exact_match=columns.exact_match,
        prob=columns.prob,
        margin=columns.margin,
        margin_bound=columns.margin_bound,
        logit_rank=columns.logit_rank,
        gumbel_rank=columns.gumbel_rank,
        surprise=np.broadcast_to(np.float32(np.nan), columns.status.shape) if surprise is None else surprise,
        status=columns.status,
        sequence_indptr=batch.sequence_indptr,
        rival_possible=columns.rival_possible,
        percentile=columns.percentile,
        improper_rows=batch.improper_rows,
    )
