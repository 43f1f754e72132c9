"""One sequence's choice of tokens.

Why an arg-max with noise is a draw: for independent Gumbel variates g_v = -ln q_v with q_v exponential,
arg-max over v of ln p_v + g_v = arg-min over v of q_v / p_v, and q_v / p_v is exponential with rate p_v. The smallest of
independent exponentials is that of v with probability p_v / sum of p. Scores that differ from ln p by the same amount for
all v have the same arg-max, so logits / T need no normalization; a token at -inf never wins.

The order is that of the engines: bias, penalties and masks on the logits, division by T, filters, noise. Filters before the
noise, since they drop tokens by their probability and not by their luck. The noise of dropped tokens is drawn all the
same: the place in the stream must not depend on the filters.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from token_difr.records import SamplingParams
from token_difr.server.generation.sampling.filters import apply_filters, descending
from token_difr.server.generation.sampling.masks import apply_masks
from token_difr.server.generation.sampling.noise import GumbelNoise, KeyedNoise
from token_difr.server.generation.sampling.penalties import apply_penalties
from token_difr.server.generation.sampling.settings import SamplingSettings

__all__ = ["TokenSampler"]


SGLANG_PRIME_FLOOR = 1e-9
"""SGLang before 0.5.9 adds it to every probability, those of dropped tokens included."""


class TokenSampler:
    """Chooses the tokens of one sequence, one call a token.

    token = arg-max over v of logits_v / T + g_v after penalties and filters; at T below 1e-5 or ``top_k`` = 1 without
    division, filters and noise. Of equal maxima the lowest id wins. The noise g and the filters are those of
    ``settings.sampler``.
    """

    def __init__(self, settings: SamplingSettings, vocabulary_size: int) -> None:
        self._settings = settings
        self._by_rank = settings.sampler.uses_rank_columns(
            SamplingParams(top_k=settings.top_k, top_p=settings.top_p, min_p=settings.min_p)
        )
        self._noise = None if settings.greedy else _noise(settings, vocabulary_size)
        self._scores: NDArray[np.float64] | None = None

    def choose(self, logits: NDArray[np.float32], prompt: Sequence[int], output: Sequence[int]) -> int:
        """The next token's id.

        Args:
            logits: float32[vocabulary], as the model gave them.
            prompt: Token ids of the prompt.
            output: Token ids generated so far.

        Raises:
            NoTokenLeftError: The request rules out every token.
        """
        settings = self._settings
        if self._noise is None and not (settings.changes_logits or settings.rules_out):
            return int(logits.argmax())
        scores = logits.astype(np.float64)
        if settings.changes_logits:
            scores = apply_penalties(scores, settings, prompt, output)
        if settings.rules_out:
            scores = apply_masks(scores, settings, output)
        if self._noise is None:
            return int(scores.argmax())
        scores = scores / settings.temperature
        # The token at hand follows the last one fed, which stands at this place from 0 on; the engines key their noise by it.
        noise = self._next_noise(scores, position=len(prompt) + len(output) - 1, step=len(output))
        self._scores = apply_filters(scores, settings)
        return int((self._weighed(self._scores, scores) + noise).argmax())

    def _next_noise(self, scores: NDArray[np.float64], *, position: int, step: int) -> NDArray[np.float64]:
        """float64[vocabulary]: the noise by id, also where the engine draws it by rank in the full sort."""
        if not isinstance(self._noise, KeyedNoise):
            return self._noise.next_row() if self._noise is not None else np.zeros(len(scores))
        row = self._noise.row(position=position, step=step)
        if not self._by_rank:
            return row
        by_id = np.empty_like(row)
        by_id[descending(scores)] = row
        return by_id

    def _weighed(self, filtered: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the noise is added to: the filtered scores, or the logarithm of floored probabilities."""
        if self._settings.sampler.stream != "sglang-prime":
            return filtered
        # The engine's probabilities: normalized before the filters, zero where dropped, then all raised by the floor. The
        # noise is added to ln of that, as the engine divides its floored probabilities by exponentials.
        top = scores.max()
        floored: NDArray[np.float64] = np.exp(filtered - top) / np.exp(scores - top).sum() + SGLANG_PRIME_FLOOR
        return np.log(floored)

    def sampling_logprob(self, token: int) -> float:
        """Logprob of a token under the distribution that the last choice drew from; 0 where the choice was greedy."""
        if self._scores is None:
            return 0.0
        shift = self._scores.max()
        return float(self._scores[token] - shift - np.log(np.exp(self._scores - shift).sum()))


def _noise(settings: SamplingSettings, vocabulary_size: int) -> GumbelNoise | KeyedNoise:
    sampler = settings.sampler
    if sampler.stream == "torch-cpu" and not sampler.variant:
        return GumbelNoise(settings.seed, vocabulary_size)
    return KeyedNoise(sampler, settings.seed, vocabulary_size)
