"""The scores of :mod:`token_difr.scores.scoring`, position by position in plain Python: slow and obviously right.

At temperature 0 it follows the tables there word for word, with no assumption on the order of a row's entries; tests
compare the native scorer with it. float64 throughout, rounded to float32 at the end.

Above temperature 0 it works on the *whole* distribution, as the engines do: :func:`dense_support` filters it,
:func:`dense_contest` adds the noise. What the native scorer decides from a row's few entries must agree with that.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from token_difr.records import UNRESOLVED, SamplingParams, Scores, ScoreStatus, TopKBatch
from token_difr.sampler import Sampler

__all__ = ["Contest", "dense_contest", "dense_percentile", "dense_support", "score_greedy", "uniforms"]


class _Token(NamedTuple):
    status: ScoreStatus
    exact_match: bool = False
    prob: float = math.nan
    margin: float = math.nan
    margin_bound: float = math.nan
    rank: float = math.nan


def score_greedy(batch: TopKBatch) -> Scores:
    """The scores of a batch at temperature 0."""
    tokens = [_score_position(batch, j) for j in range(len(batch))]
    rank = np.array([token.rank for token in tokens], np.float32)
    return Scores(
        exact_match=np.array([token.exact_match for token in tokens], np.bool_),
        prob=np.array([token.prob for token in tokens], np.float32),
        margin=np.array([token.margin for token in tokens], np.float32),
        margin_bound=np.array([token.margin_bound for token in tokens], np.float32),
        logit_rank=rank,
        gumbel_rank=rank,
        surprise=np.full(len(tokens), np.nan, np.float32),
        status=np.array([token.status for token in tokens], np.uint8),
        sequence_indptr=batch.sequence_indptr,
        improper_rows=sum(_mass(batch, j) > 1.01 for j in range(len(batch))),
    )


def _row(batch: TopKBatch, j: int) -> list[tuple[int, float]]:
    entries = slice(batch.indptr[j], batch.indptr[j + 1])
    return list(zip(batch.token_ids[entries].tolist(), batch.logprobs[entries].tolist(), strict=True))


def _candidates(batch: TopKBatch, j: int) -> list[tuple[int, float]]:
    """The row's entries and, where the row lacks the claimed token but its logprob is known, that token."""
    row = _row(batch, j)
    claimed, logprob = int(batch.claimed[j]), float(batch.claimed_logprob[j])
    joins = claimed not in [token_id for token_id, _ in row] and not math.isnan(logprob)
    return [*row, (claimed, logprob)] if joins else row


def _mass(batch: TopKBatch, j: int) -> float:
    """Mass of the candidates; a claimed token at the very logprob of an unresolved entry is that entry."""
    row, candidates = _row(batch, j), _candidates(batch, j)
    if len(candidates) > len(row) and (UNRESOLVED, candidates[-1][1]) in row:
        candidates = row
    return math.fsum(math.exp(logprob) for _, logprob in candidates)


def _score_position(batch: TopKBatch, j: int) -> _Token:
    row, claimed = _row(batch, j), int(batch.claimed[j])
    if all(logprob == -math.inf for _, logprob in row):
        return _Token(ScoreStatus.UNSCORED)
    candidates = dict(_candidates(batch, j))
    if claimed not in candidates:
        return _score_absent(row, contiguous=batch.contiguous)
    logprobs = [logprob for _, logprob in _candidates(batch, j)]
    best, logprob = max(logprobs), candidates[claimed]
    reference = min(token_id for token_id, other in _candidates(batch, j) if other == best)
    rank = sum(other > logprob for other in logprobs)
    if claimed not in [token_id for token_id, _ in row] and batch.claimed_rank[j] >= 0:
        rank = int(batch.claimed_rank[j])
    margin = best - logprob
    prob = min(1.0, math.exp(logprob))
    return _Token(ScoreStatus.SCORED, claimed == reference, prob, margin, margin, rank)


def _score_absent(row: list[tuple[int, float]], *, contiguous: bool) -> _Token:
    logprobs = [logprob for _, logprob in row]
    unresolved = [logprob for token_id, logprob in row if token_id == UNRESOLVED]
    best = max(logprobs)
    if best in unresolved:
        return _Token(ScoreStatus.UNSCORED)
    unseen = max(0.0, 1.0 - math.fsum(map(math.exp, logprobs))) + 1e-5
    cap = min(*logprobs, math.log(unseen)) if contiguous else math.log(unseen)
    greatest = max([cap, *unresolved])
    if greatest > best:
        return _Token(ScoreStatus.UNDECIDED)
    return _Token(
        ScoreStatus.CENSORED, False, 0.0, math.inf, best - greatest, sum(logprob > -math.inf for logprob in logprobs)
    )


class Contest(NamedTuple):
    """One position under the whole distribution."""

    kept: NDArray[np.bool_]
    """bool[vocabulary]. The support."""
    z: NDArray[np.float64]
    """float64[vocabulary]. l + T g, of dropped tokens too."""
    order: NDArray[np.int64]
    """int64[vocabulary]. The ids in the descending sort."""

    def winner(self, among: NDArray[np.bool_] | None = None) -> int:
        """Arg-max of z over the support (and ``among``); the lowest id among equals."""
        kept = self.kept if among is None else self.kept & among
        return int(np.where(kept, self.z, -np.inf).argmax())


def dense_support(
    logprobs: NDArray[np.float64], params: SamplingParams, filters: str, order: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which tokens of a whole distribution survive the filters.

    Args:
        logprobs: float64[vocabulary].
        params: The filters, and the temperature, above 0.
        filters: As :attr:`token_difr.Sampler.filters`.
        order: The ids by descending logprob; how it orders equal values is the engine's own affair.
    """
    kept = np.ones(logprobs.size, np.bool_)
    ranked, weights = logprobs[order], np.exp((logprobs[order] - logprobs.max()) / params.temperature)
    place = np.arange(logprobs.size)
    min_p = ranked >= ranked[0] + params.temperature * np.log(params.min_p) if params.min_p > 0 else kept
    if filters == "sglang":
        before = np.cumsum(weights) - weights
        left = (before <= params.top_p * weights.sum()) & (place < (params.top_k or place.size)) & min_p
    else:
        left = min_p if filters == "vllm" else kept
        if 0 < params.top_k < left.sum():
            left = left & (ranked >= ranked[params.top_k - 1])
        if params.top_p < 1:
            mass = np.where(left, weights, 0.0)
            before = np.cumsum(mass) - mass
            left = left & ((before < params.top_p * mass.sum()) | (place == 0))
        left = left & min_p
    kept = np.empty(logprobs.size, np.bool_)
    kept[order] = left
    return kept


def uniforms(batch: TopKBatch) -> NDArray[np.float64]:
    """float64[positions]. The percentile's random stream: Philox 4x32-10 of (sequence, token)."""
    lengths = np.diff(batch.sequence_indptr)
    sequence = np.repeat(np.arange(lengths.size), lengths)
    token = np.arange(len(batch)) - np.repeat(batch.sequence_indptr[:-1], lengths)
    key = (int.from_bytes(b"perc", "big"), int.from_bytes(b"enti", "big"))
    words = [
        _philox((s % 2**32, s >> 32, t % 2**32, t >> 32), key)
        for s, t in zip(sequence.tolist(), token.tolist(), strict=True)
    ]
    return (np.array(words, np.float64) + 0.5) / 2**32


def _philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> int:
    """The first word (Salmon, Moraes, Dror and Shaw 2011)."""
    c0, c1, c2, c3 = counter
    for turn in range(10):
        keys = [(k + turn * weyl) % 2**32 for k, weyl in zip(key, (0x9E3779B9, 0xBB67AE85), strict=True)]
        first, second = divmod(0xD2511F53 * c0, 2**32), divmod(0xCD9E8D57 * c2, 2**32)
        c0, c1, c2, c3 = second[0] ^ c1 ^ keys[0], second[1], first[0] ^ c3 ^ keys[1], first[1]
    return c0


def dense_percentile(
    logprobs: NDArray[np.float64],
    temperature: float,
    outcomes: list[NDArray[np.int64]],
    claimed: int,
    uniform: float,
) -> float:
    """The randomized percentile of a token among outcomes, each a set of ids that counts as one; NaN if it is in none.

    Args:
        logprobs: float64[vocabulary].
        temperature: Above 0.
        outcomes: In their order. Ids in none of them do not count.
        claimed: The token.
        uniform: Where it lies in the piece of its outcome, from 0 to 1.
    """
    weights = np.exp((logprobs - logprobs.max()) / temperature)
    pieces = np.array([weights[ids].sum() for ids in outcomes])
    before = 0.0
    for ids, piece in zip(outcomes, pieces, strict=True):
        if claimed in ids:
            return float((before + uniform * piece) / pieces.sum())
        before += piece
    return math.nan


def dense_contest(
    logprobs: NDArray[np.float64],
    noise: NDArray[np.float64],
    params: SamplingParams,
    sampler: Sampler,
    order: NDArray[np.int64],
) -> Contest:
    """The engine's arg-max, with all it depends on.

    Args:
        logprobs: float64[vocabulary].
        noise: float64[vocabulary]: what ``sampler.gumbel`` gives for all ids (or ranks, where it is keyed by them).
        params: The filters, and the temperature, above 0.
        sampler: The engine.
        order: The ids by descending logprob; how it orders equal values is the engine's own affair.
    """
    kept = dense_support(logprobs, params, sampler.filters, order)
    of_id = noise
    if sampler.uses_rank_columns(params):
        of_id = np.empty_like(noise)
        of_id[order] = noise
    temperature = params.temperature
    if sampler.probability_floor > 0:
        weights = np.exp((logprobs - logprobs.max()) / temperature)
        shares = np.where(kept, weights / weights.sum(), 0.0)
        return Contest(np.ones_like(kept), temperature * (np.log(shares + sampler.probability_floor) + of_id), order)
    with np.errstate(invalid="ignore"):
        z = np.where(logprobs == -np.inf, -np.inf, logprobs + temperature * of_id)
    return Contest(kept, z, order)
