"""Rows -> metrics, the way that the functions of token-difr 0.1 score them.

They score against the arg-max whatever the temperature, and take the other sampling parameters without a use for them.
That is kept where no sampler is given, with a warning above temperature 0, and the figures are those of 0.1
(``row_metrics``); given a sampler, its noise is replayed.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

from token_difr.compat.row_metrics import row_metrics
from token_difr.errors import InputError, TokenDifrWarning
from token_difr.records import GREEDY_TEMPERATURE, SamplingParams, TokenMetrics, TopKBatch
from token_difr.sampler import Sampler
from token_difr.scores import compute_metrics_summary, score

__all__ = ["OldParams"]


@dataclass(frozen=True, kw_only=True)
class OldParams:
    """The sampling parameters of an old function.

    Attributes:
        temperature: As the provider was told; below 1e-5 sampling is greedy, and nothing below acts.
        top_k: As the provider was told; 0 or -1 = off.
        top_p: As the provider was told.
        seed: As the provider was told.
        sampler: How the provider's engine draws its noise: a ``token_difr.Sampler``, or its name; None = not replayed.

    Raises:
        InputError: A temperature below 0 or not finite, or a name that is no sampler's.
    """

    temperature: float
    top_k: int
    top_p: float
    seed: int
    sampler: Sampler | str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.sampler, str):
            Sampler.parse(self.sampler)  # a wrong name is better known before the reference is asked
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise InputError(f"temperature must be a finite number of at least 0, not {self.temperature!r}")

    @property
    def replays(self) -> bool:
        """Whether there is noise, and a sampler to replay it."""
        return self.temperature >= GREEDY_TEMPERATURE and self.sampler is not None

    def warn_if_ignored(self, *, stacklevel: int = 3) -> None:
        """Say so where tokens drawn at random will be scored against the arg-max."""
        if self.temperature >= GREEDY_TEMPERATURE and self.sampler is None:
            warnings.warn(
                f"temperature {self.temperature} without a sampler: tokens are scored against the arg-max, as in "
                "token-difr 0.1, so an honest provider looks divergent; give sampler= to replay the sampling noise",
                TokenDifrWarning,
                stacklevel=stacklevel,
            )

    def score(
        self, batch: TopKBatch, *, logits_width: int | None = None, rows_alone: bool = True, verbose: bool
    ) -> list[list[TokenMetrics]]:
        """Metrics of every token, one list a sequence.

        Args:
            batch: The reference's rows.
            logits_width: Number of the model's logits, where the sampler's stream needs it.
            rows_alone: Without a replay, score by what the rows show, as 0.1 does; False = also by what the reference
                tells of tokens outside them.
            verbose: Write a summary to standard output.
        """
        if self.replays:
            params = SamplingParams(
                temperature=self.temperature, top_k=max(self.top_k, 0), top_p=self.top_p, seed=self.seed
            )
            sampler = Sampler.parse(self.sampler) if isinstance(self.sampler, str) else self.sampler
            metrics = list(score(batch, params, sampler=sampler, vocab_size=logits_width))
        else:
            metrics = row_metrics(batch) if rows_alone else list(score(batch))
        if verbose:
            compute_metrics_summary(metrics, verbose=True)
        return metrics
