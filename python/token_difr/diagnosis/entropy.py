"""How sure the reference is at each position: the entropy of what its row shows.

A row shows the top of a distribution with the mass S; all else, 1 - S, is taken for one more outcome:

    H = - sum p ln p - (1 - S) ln (1 - S)

Splitting an outcome only adds entropy, so this is a lower bound of the whole distribution's. It is of the model's own
distribution, before temperature and filters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from token_difr.records import TopKBatch

__all__ = ["row_entropies"]


def row_entropies(batch: TopKBatch) -> npt.NDArray[np.float64]:
    """float64[positions], nats: the lower bound of each row's entropy; NaN where there is no row."""
    positions, sizes = len(batch), np.diff(batch.indptr)
    owners = np.repeat(np.arange(positions), sizes)
    logprobs = np.maximum(batch.logprobs.astype(np.float64), -1e4)  # of -inf the product with its probability is 0
    shares = np.exp(logprobs)
    shown = np.bincount(owners, weights=-shares * logprobs, minlength=positions)
    rest = np.clip(1.0 - np.bincount(owners, weights=shares, minlength=positions), 0.0, 1.0)
    entropies = shown - rest * np.log(np.where(rest > 0, rest, 1.0))
    return np.where(sizes > 0, np.maximum(entropies, 0.0), np.nan)
