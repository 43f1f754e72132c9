"""Like is compared with like: logprobs of the draw with logprobs of the draw, the model's own with the model's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from token_difr.errors import InputError
from token_difr.findings import claimed_logprobs
from token_difr.mismatch.quantities import compared, drawn_logprobs
from token_difr.records import SamplingParams, TopKBatch

VOCABULARY = 300
POSITIONS = 60

WAYS = [
    pytest.param(SamplingParams(temperature=0.6), 20, id="colder"),
    pytest.param(SamplingParams(temperature=0.3), 8, id="much-colder"),
    pytest.param(SamplingParams(temperature=1.0, top_k=10), 20, id="top-k"),
    pytest.param(SamplingParams(temperature=1.4, top_k=10), 20, id="hotter-with-top-k"),
    pytest.param(SamplingParams(temperature=0.8, top_p=0.9), VOCABULARY, id="top-p"),
    pytest.param(SamplingParams(temperature=0.9, min_p=0.05), VOCABULARY, id="min-p"),
    pytest.param(SamplingParams(temperature=1.7), VOCABULARY, id="hotter"),
]


def dense(seed: int = 5) -> NDArray[np.float64]:
    """Rows of a peaked model over its whole vocabulary."""
    logits = np.random.default_rng(seed).normal(scale=4.0, size=(POSITIONS, VOCABULARY))
    made: NDArray[np.float64] = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return made


def draw_of(logprobs: NDArray[np.float64], params: SamplingParams) -> NDArray[np.float64]:
    """The distribution that tokens are drawn from, in the plainest way: temperature, then min-p, top-k, top-p."""
    made = np.full_like(logprobs, -np.inf)
    for j, row in enumerate(logprobs / params.temperature):
        order = np.argsort(-row)
        kept = order[np.exp(row[order] - row.max()) >= params.min_p][: params.top_k or None]
        share = np.exp(row[kept] - np.logaddexp.reduce(row[kept]))
        kept = kept[np.cumsum(share) - share < params.top_p]
        made[j, kept] = row[kept] - np.logaddexp.reduce(row[kept])
    return made


def batch_of(logprobs: NDArray[np.float64], claimed: NDArray[np.int64], size: int) -> TopKBatch:
    order = np.argsort(-logprobs, axis=1)[:, :size]
    rows = [[(int(v), float(row[v])) for v in top] for row, top in zip(logprobs, order, strict=True)]
    return TopKBatch.from_rows(rows, claimed.tolist(), sequence_indptr=[0, 20, 20, POSITIONS])


def drawn_tokens(distribution: NDArray[np.float64]) -> NDArray[np.int64]:
    rng = np.random.default_rng(6)
    return np.array([rng.choice(VOCABULARY, p=np.exp(row)) for row in distribution])


def split(values: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return np.split(values, [20, 20])


@pytest.mark.parametrize(("params", "size"), WAYS)
def test_rows_tell_the_draw(params: SamplingParams, size: int) -> None:
    """From the top of a row alone, to 5 thousandths of a nat; most rows of a peaked model are long enough."""
    logprobs = dense()
    distribution = draw_of(logprobs, params)
    claimed = drawn_tokens(distribution)
    found = drawn_logprobs(batch_of(logprobs, claimed, size), params, vocab_size=VOCABULARY)
    known = np.isfinite(found)
    assert known.mean() > 0.8
    assert found[known] == pytest.approx(distribution[np.arange(POSITIONS), claimed][known], abs=5e-3)


def test_rows_that_are_too_short_tell_nothing() -> None:
    """Above temperature 1 what is not shown may weigh anything."""
    claimed = dense().argmax(axis=1)
    assert np.isnan(drawn_logprobs(batch_of(dense(), claimed, 20), SamplingParams(temperature=1.5))).all()


@pytest.mark.parametrize(("params", "size"), WAYS)
@pytest.mark.parametrize("quantity", ["draw", "model"])
@pytest.mark.parametrize("said", [False, True])
def test_one_model_agrees_with_itself(params: SamplingParams, size: int, quantity: Any, said: bool) -> None:
    """Whatever the sampler tells, said or found out: no difference, and words for what was compared."""
    logprobs = dense()
    distribution = draw_of(logprobs, params)
    claimed = drawn_tokens(distribution)
    told = (distribution if quantity == "draw" else logprobs)[np.arange(POSITIONS), claimed]
    sampler = split(told + np.random.default_rng(7).normal(scale=1e-4, size=POSITIONS))
    batch = batch_of(logprobs, claimed, size)
    like = compared(sampler, batch, params, quantity=quantity if said else None, vocab_size=VOCABULARY)
    off = np.abs(np.concatenate(like.trainer) - told)
    assert np.nanmax(off) < 6e-3
    assert ("the draw, at temperature" in like.words) == (quantity == "draw")
    assert bool(like.caveats) == (quantity == "model")


@pytest.mark.parametrize(
    ("params", "size", "noise", "words"),
    [
        (SamplingParams(temperature=1.5), 20, 0.0, "too short for its logprobs of that draw"),
        (SamplingParams(temperature=0.6), 20, 3.0, "cannot be told"),
    ],
)
def test_what_cannot_be_told_is_refused(params: SamplingParams, size: int, noise: float, words: str) -> None:
    """With the way out: longer rows, or the user's word."""
    logprobs = dense()
    claimed = drawn_tokens(draw_of(logprobs, params))
    batch = batch_of(logprobs, claimed, size)
    own = claimed_logprobs(batch)
    sampler = split(own - np.abs(np.random.default_rng(8).normal(scale=noise, size=POSITIONS)) if noise else own)
    with pytest.raises(InputError, match=f"(?s){words}.*--sampler-logprobs"):
        compared(sampler, batch, params)
    assert np.allclose(np.concatenate(compared(sampler, batch, params, quantity="model").trainer), own, equal_nan=True)


@pytest.mark.parametrize("params", [SamplingParams(temperature=1.0), SamplingParams()])
def test_without_temperature_and_filters(params: SamplingParams) -> None:
    """There is one quantity alone; greedy tokens have a caveat."""
    batch = batch_of(dense(), dense().argmax(axis=1), 5)
    like = compared([np.zeros(0)] * 3, batch, params)
    assert like.words == "model's own logprobs"
    assert bool(like.caveats) == params.greedy
