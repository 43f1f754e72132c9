"""Random whole distributions, tokens that an engine draws from them, and the rows that an API would show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from token_difr import UNRESOLVED, Sampler, SamplingParams, Scores, TopKBatch, score
from token_difr.scores.oracle import Contest, dense_contest

__all__ = ["PROMPT", "Case", "make_case", "score_case"]

PROMPT = 5
"""Length of the prompt."""


@dataclass(frozen=True)
class Case:
    """Whole distributions, what was claimed, and the rows that are shown of them."""

    logprobs: NDArray[np.float64]
    noise: NDArray[np.float64]
    claimed: NDArray[np.int64]
    shown: int
    sampler: Sampler
    params: SamplingParams
    batch: TopKBatch

    def contests(self, j: int) -> list[Contest]:
        """The position under several orders of equal values."""
        size = self.logprobs.shape[1]
        jumble = np.random.default_rng(j)
        return [
            dense_contest(
                self.logprobs[j], self.noise[j], self.params, self.sampler, np.lexsort((tie, -self.logprobs[j]))
            )
            for tie in (np.arange(size), -np.arange(size), jumble.permutation(size))
        ]


def make_case(
    rng: np.random.Generator,
    sampler: Sampler,
    params: SamplingParams,
    *,
    size: int,
    shown: int,
    stepped: bool,
    known: float,
    honest: float,
    positions: int = 6,
    gaps: float = 0.0,
    unresolved: float = 0.0,
) -> Case:
    """Random distributions of some sharpness; tokens that the sampler chose, or any.

    Args:
        rng: Draws all but the noise.
        sampler: The engine.
        params: How it samples; with one seed.
        size: Ids of the vocabulary.
        shown: Length of the rows.
        stepped: Logits in steps of 1/16, so that ties are common.
        known: How often the API tells the claimed token's logprob.
        honest: How often the claimed token is the engine's.
        positions: How many.
        gaps: How often an entry of a row is missing; above 0 the rows are not contiguous.
        unresolved: How often an entry has no id.
    """
    raw = rng.exponential(rng.uniform(0.3, 2.0, (positions, 1)), (positions, size))
    raw = np.round(raw * 16) / 16 if stepped else raw
    logprobs = (raw - np.log(np.exp(raw).sum(1, keepdims=True))).astype(np.float32).astype(np.float64)
    step = np.arange(positions) + (PROMPT - 1 if sampler.keyed_by == "position" else 0)
    assert isinstance(params.seed, int)
    noise = sampler.gumbel(seed=params.seed, positions=step, token_ids=np.arange(size), vocab_size=size)
    order = np.argsort(-logprobs, axis=1, kind="stable")
    drawn = [dense_contest(logprobs[j], noise[j], params, sampler, order[j]).winner() for j in range(positions)]
    claimed = np.where(rng.random(positions) < honest, drawn, rng.integers(size, size=positions))
    told = rng.random(positions) < known
    own = np.take_along_axis(logprobs, claimed[:, None], 1)[:, 0]
    rank = (logprobs > own[:, None]).sum(1)
    kept = [order[j, :shown][rng.random(min(shown, size)) >= gaps] for j in range(positions)]
    nameless = [rng.random(len(ids)) < unresolved for ids in kept]
    batch = TopKBatch.from_rows(
        [
            [(UNRESOLVED if blank else int(i), float(logprobs[j, i])) for i, blank in zip(ids, blanks, strict=True)]
            for j, (ids, blanks) in enumerate(zip(kept, nameless, strict=True))
        ],
        claimed,
        claimed_logprob=np.where(told, own, np.nan),
        claimed_rank=np.where(told & (rng.random(positions) < 0.5), rank, -1),
        prompt_lengths=[PROMPT],
        contiguous=gaps == 0,
    )
    return Case(logprobs, noise, claimed, shown, sampler, params, batch)


def score_case(case: Case) -> Scores:
    """The native scores."""
    return score(case.batch, case.params, sampler=case.sampler, vocab_size=case.logprobs.shape[1])
