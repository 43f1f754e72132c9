"""The filters, in vLLM's order: min-p, top-k, top-p, all on logits that are already divided by the temperature."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.server.sampling.settings import SamplingSettings

__all__ = ["apply_filters"]


def apply_filters(scores: NDArray[np.float64], settings: SamplingSettings) -> NDArray[np.float64]:
    """The scores with every dropped token at -inf; the likeliest token always stays.

    Args:
        scores: logits / temperature, [vocabulary].
        settings: Names the filters that are on.
    """
    if settings.min_p > 0:
        scores = _min_p(scores, settings.min_p)
    if 0 < settings.top_k < len(scores):
        scores = _top_k(scores, settings.top_k)
    if settings.top_p < 1:
        scores = _top_p(scores, settings.top_p)
    return scores


def _min_p(scores: NDArray[np.float64], min_p: float) -> NDArray[np.float64]:
    """Drops tokens whose probability is below ``min_p`` times the largest one."""
    return np.where(scores < scores.max() + np.log(min_p), -np.inf, scores)


def _top_k(scores: NDArray[np.float64], top_k: int) -> NDArray[np.float64]:
    """Drops what lies below the k-th largest value; ties with it stay."""
    kth = np.partition(scores, len(scores) - top_k)[len(scores) - top_k]
    return np.where(scores < kth, -np.inf, scores)


def _top_p(scores: NDArray[np.float64], top_p: float) -> NDArray[np.float64]:
    """Drops the least likely tokens whose mass together is at most 1 - ``top_p``; among equals the higher ids go."""
    order = np.argsort(-scores, kind="stable")
    weights = np.exp(scores[order] - scores[order[0]])
    tail = np.cumsum(weights[::-1])[::-1] / weights.sum()
    dropped = tail <= 1 - top_p
    dropped[0] = False
    filtered = scores.copy()
    filtered[order[dropped]] = -np.inf
    return filtered
