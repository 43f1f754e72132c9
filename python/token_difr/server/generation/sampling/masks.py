"""Tokens that a request rules out, whatever their logits: vLLM's ``min_tokens``, ``allowed_token_ids``, ``bad_words``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from token_difr.server.generation.sampling.settings import SamplingSettings

__all__ = ["NoTokenLeftError", "apply_masks"]


class NoTokenLeftError(Exception):
    """A request rules out every token."""


def apply_masks(logits: NDArray[np.float64], settings: SamplingSettings, output: Sequence[int]) -> NDArray[np.float64]:
    """The logits with every ruled-out token at -inf, as a new array.

    Args:
        logits: float64[vocabulary].
        settings: Names what is ruled out.
        output: Token ids generated so far.

    Raises:
        NoTokenLeftError: Nothing is left to choose.
    """
    masked = np.full_like(logits, -np.inf) if settings.allowed_token_ids is not None else logits.copy()
    if settings.allowed_token_ids is not None:
        allowed = list(settings.allowed_token_ids)
        masked[allowed] = logits[allowed]
    if len(output) < settings.min_tokens:
        masked[list(settings.end_token_ids)] = -np.inf
    for *beginning, last in settings.bad_words:
        if len(beginning) <= len(output) and list(output[len(output) - len(beginning) :]) == beginning:
            masked[last] = -np.inf
    if masked.max() == -np.inf:
        raise NoTokenLeftError
    return masked
