"""What changes the logits before the temperature: bias, repetition, frequency and presence penalties (vLLM's order)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from token_difr.server.generation.sampling.settings import SamplingSettings

__all__ = ["apply_penalties"]


def apply_penalties(
    logits: NDArray[np.float64], settings: SamplingSettings, prompt: Sequence[int], output: Sequence[int]
) -> NDArray[np.float64]:
    """The logits after bias and penalties, as a new array.

    Args:
        logits: float64[vocabulary].
        settings: Names what is on.
        prompt: Token ids of the prompt: they count for the repetition penalty only.
        output: Token ids generated so far.
    """
    logits = logits.copy()
    if settings.logit_bias:
        biased = np.fromiter(settings.logit_bias, dtype=np.int64)
        logits[biased] += np.fromiter(settings.logit_bias.values(), dtype=np.float64)
    if settings.repetition_penalty != 1:
        _penalize_repetition(logits, settings, prompt, output)
    if output and (settings.frequency_penalty or settings.presence_penalty):
        counts = Counter(output)
        tokens = np.fromiter(counts, dtype=np.int64)
        times = np.fromiter(counts.values(), dtype=np.float64)
        logits[tokens] -= settings.frequency_penalty * times + settings.presence_penalty
    return logits


def _penalize_repetition(
    logits: NDArray[np.float64], settings: SamplingSettings, prompt: Sequence[int], output: Sequence[int]
) -> None:
    seen = [*prompt, *output]
    if settings.repetition_window is not None:
        seen = seen[len(seen) - min(len(seen), settings.repetition_window) :]
    tokens = np.unique(np.array(seen, dtype=np.int64))
    values = logits[tokens]
    logits[tokens] = np.where(values > 0, values / settings.repetition_penalty, values * settings.repetition_penalty)
