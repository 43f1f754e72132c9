"""The filters of the engines, dense over the vocabulary, all on logits that are already divided by the temperature.

* vLLM: min-p, top-k, top-p. Hugging Face: top-k, top-p, min-p. Each acts on what the one before has left. Top-k keeps
  what ties with the k-th value; top-p drops the least likely tokens whose mass together is at most 1 - p.
* SGLang: one descending sort of the whole vocabulary (equal values by id); top-p drops where the mass before a token
  exceeds p, top-k drops by rank, min-p by value, none of them renormalizes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from token_difr.server.generation.sampling.settings import SamplingSettings

__all__ = ["apply_filters", "descending"]


def apply_filters(scores: NDArray[np.float64], settings: SamplingSettings) -> NDArray[np.float64]:
    """The scores with every dropped token at -inf; the likeliest token always stays.

    Args:
        scores: logits / temperature, [vocabulary].
        settings: Names the filters that are on, and the sampler whose order they act in.
    """
    if settings.sampler.filters == "sglang":
        return _sorted_filters(scores, settings)
    steps = {"min_p": _min_p, "top_k": _top_k, "top_p": _top_p}
    for name in settings.sampler.filter_order:
        scores = steps[name](scores, settings)
    return scores


def descending(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The ids in descending order of their scores; equal ones by ascending id."""
    return np.argsort(-scores, kind="stable")


def _min_p(scores: NDArray[np.float64], settings: SamplingSettings) -> NDArray[np.float64]:
    """Drops tokens whose probability is below ``min_p`` times the largest one."""
    if settings.min_p <= 0:
        return scores
    # p is proportional to exp(score): p < min_p * p_max where score < score_max + ln(min_p).
    return np.where(scores < scores.max() + np.log(settings.min_p), -np.inf, scores)


def _top_k(scores: NDArray[np.float64], settings: SamplingSettings) -> NDArray[np.float64]:
    """Drops what lies below the k-th largest value; ties with it stay."""
    if not 0 < settings.top_k < len(scores):
        return scores
    kth = np.partition(scores, len(scores) - settings.top_k)[len(scores) - settings.top_k]
    return np.where(scores < kth, -np.inf, scores)


def _top_p(scores: NDArray[np.float64], settings: SamplingSettings) -> NDArray[np.float64]:
    """Drops the least likely tokens whose mass together is at most 1 - ``top_p``; among equals the higher ids go."""
    if settings.top_p >= 1:
        return scores
    # tail[i] is the mass of the i-th likeliest token and all behind it, so 1 - tail[i] stands before it. It is dropped
    # where that is p or more already: what stays is the shortest beginning whose mass reaches p.
    order = descending(scores)
    weights = np.exp(scores[order] - scores[order[0]])
    tail = np.cumsum(weights[::-1])[::-1] / weights.sum()
    dropped = tail <= 1 - settings.top_p
    dropped[0] = False
    filtered = scores.copy()
    filtered[order[dropped]] = -np.inf
    return filtered


def _sorted_filters(scores: NDArray[np.float64], settings: SamplingSettings) -> NDArray[np.float64]:
    """SGLang's: what each filter drops is read off the same sorted row."""
    order = descending(scores)
    weights = np.exp(scores[order] - scores[order[0]])
    shares = weights / weights.sum()
    dropped = np.zeros(len(scores), dtype=np.bool_)
    if settings.top_p < 1:
        dropped |= np.cumsum(shares) - shares > settings.top_p
    if settings.top_k > 0:
        dropped[settings.top_k :] = True
    if settings.min_p > 0:
        dropped |= shares < settings.min_p * shares[0]
    filtered = scores.copy()
    filtered[order[dropped]] = -np.inf
    return filtered
