"""One sequence's choice of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from token_difr.server.sampling.filters import apply_filters
from token_difr.server.sampling.noise import GumbelNoise
from token_difr.server.sampling.penalties import apply_penalties
from token_difr.server.sampling.settings import SamplingSettings

__all__ = ["TokenSampler"]


class TokenSampler:
    """Chooses the tokens of one sequence, one call a token.

    token = arg-max over v of logits_v / T + g_v after penalties and filters; at T below 1e-5 or ``top_k`` = 1 without
    division, filters and noise. Of equal maxima the lowest id wins.
    """

    def __init__(self, settings: SamplingSettings, vocabulary_size: int) -> None:
        self._settings = settings
        self._noise = None if settings.greedy else GumbelNoise(settings.seed, vocabulary_size)
        self._scores: NDArray[np.float64] | None = None

    def choose(self, logits: NDArray[np.float32], prompt: Sequence[int], output: Sequence[int]) -> int:
        """The next token's id.

        Args:
            logits: float32[vocabulary], as the model gave them.
            prompt: Token ids of the prompt.
            output: Token ids generated so far.
        """
        settings = self._settings
        if self._noise is None and not settings.changes_logits:
            return int(logits.argmax())
        scores = logits.astype(np.float64)
        if settings.changes_logits:
            scores = apply_penalties(scores, settings, prompt, output)
        if self._noise is None:
            return int(scores.argmax())
        self._scores = apply_filters(scores / settings.temperature, settings)
        return int((self._scores + self._noise.next_row()).argmax())

    def sampling_logprob(self, token: int) -> float:
        """Logprob of a token under the distribution that the last choice drew from; 0 where the choice was greedy."""
        if self._scores is None:
            return 0.0
        shift = self._scores.max()
        return float(self._scores[token] - shift - np.log(np.exp(self._scores - shift).sum()))
