"""The native scorer against its two slow twins, on random batches."""

from __future__ import annotations

import math
import random  # noqa: TID251  # hypothesis hands out its seeded source in this type
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr import UNRESOLVED, InputError, Scores, ScoreStatus, TopKBatch, score
from token_difr.scores import oracle, torch_check

IDS = 24
COLUMNS = ("exact_match", "prob", "margin", "margin_bound", "logit_rank", "gumbel_rank", "surprise", "status")

# Steps of 1/16 make ties common; the other values round where they are printed or computed.
logprobs = st.one_of(
    st.integers(0, 80).map(lambda step: -step / 16),
    st.floats(-60, 2**-7, width=32),
    st.just(-math.inf),
)


@dataclass(frozen=True)
class Position:
    """A row and its claimed token."""

    row: list[tuple[int, float]]
    claimed: int
    claimed_logprob: float
    claimed_rank: int


@st.composite
def positions(draw: st.DrawFn, *, contiguous: bool = True, unresolved: bool = True) -> Position:
    """A row of few ids in any order and a claimed token that is often in it."""
    ids = draw(st.lists(st.integers(0, IDS - 1), unique=True, max_size=12))
    if unresolved:
        ids += [UNRESOLVED] * draw(st.sampled_from([0, 0, 0, 1, 2]))
    row = [(token_id, draw(logprobs)) for token_id in ids]
    claimed = draw(st.integers(0, IDS - 1))
    known = draw(st.one_of(st.just(math.nan), logprobs))
    if contiguous and row and claimed not in ids and UNRESOLVED not in ids:
        known = min(known, *(value for _, value in row)) if not math.isnan(known) else known
    return Position(row, claimed, known, draw(st.integers(-1, 30)))


@st.composite
def batches(draw: st.DrawFn, *, contiguous: bool = True, unresolved: bool = True) -> TopKBatch:
    """A batch of up to 20 such positions."""
    chosen = draw(st.lists(positions(contiguous=contiguous, unresolved=unresolved), max_size=20))
    return batch_of(chosen, contiguous=contiguous)


def batch_of(chosen: list[Position], *, contiguous: bool = True) -> TopKBatch:
    """The batch of these positions."""
    return TopKBatch.from_rows(
        [position.row for position in chosen],
        [position.claimed for position in chosen],
        claimed_logprob=[position.claimed_logprob for position in chosen],
        claimed_rank=[position.claimed_rank for position in chosen],
        contiguous=contiguous,
    )


def assert_equal_scores(found: Scores, expected: Scores, *, columns: tuple[str, ...] = COLUMNS) -> None:
    """Equal up to the last bits of float32; NaN equals NaN."""
    for name in columns:
        np.testing.assert_allclose(
            getattr(found, name).astype(np.float64),
            getattr(expected, name).astype(np.float64),
            rtol=3e-7,
            atol=1e-6 if "margin" in name else 1e-30,
            err_msg=name,
        )


@given(batches())
def test_scores_equal_the_oracle(batch: TopKBatch) -> None:
    """Every column of the native scorer is that of the plain Python one, ties, unresolved entries and all."""
    native = score(batch)

    assert_equal_scores(native, oracle.score_greedy(batch))
    assert native.improper_rows == oracle.score_greedy(batch).improper_rows


@given(batches(contiguous=False))
def test_scores_equal_the_oracle_where_rows_may_have_gaps(batch: TopKBatch) -> None:
    """The same for rows that may lack entries."""
    assert_equal_scores(score(batch), oracle.score_greedy(batch))


@given(st.lists(positions(), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_a_row_as_given_does_not_matter(chosen: list[Position], rng: random.Random) -> None:
    """Rows in any order give the same scores, bit for bit."""
    shuffled = [Position(rng.sample(p.row, len(p.row)), p.claimed, p.claimed_logprob, p.claimed_rank) for p in chosen]
    ordered, mixed = score(batch_of(chosen)), score(batch_of(shuffled))

    for name in COLUMNS:
        assert getattr(ordered, name).tobytes() == getattr(mixed, name).tobytes(), name


@given(batches(unresolved=False))
def test_finite_scores_equal_the_dense_torch_path(batch: TopKBatch) -> None:
    """Match, prob, margin and rank are those of dense tensors wherever there is something to compare with."""
    pytest.importorskip("torch")
    native, dense = score(batch), torch_check.score_greedy(batch, vocab_size=IDS)
    scored = native.status == ScoreStatus.SCORED
    compared = scored | (native.status == ScoreStatus.CENSORED)

    assert native.exact_match[compared].tolist() == dense.exact_match[compared].tolist()
    np.testing.assert_allclose(native.prob[compared], dense.prob[compared], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(native.margin[compared], dense.margin[compared], atol=1e-6)
    by_row = scored & (batch.claimed_rank < 0)
    assert native.logit_rank[by_row].tolist() == dense.logit_rank[by_row].tolist()


def test_the_torch_path_names_an_id_that_has_no_column() -> None:
    """Ids beyond the width and unresolved strings are errors there."""
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="token id 30: a dense tensor has ids below 24 only"):
        torch_check.score_greedy(TopKBatch.from_rows([[(30, -1.0)]], [3]), vocab_size=IDS)
    with pytest.raises(InputError, match="token id UNRESOLVED"):
        torch_check.score_greedy(TopKBatch.from_rows([[(UNRESOLVED, -1.0)]], [3]), vocab_size=IDS)


def test_no_positions_have_no_scores() -> None:
    """All three give empty columns for an empty batch."""
    pytest.importorskip("torch")
    batch = TopKBatch.from_rows([], [])
    for scores in (score(batch), oracle.score_greedy(batch), torch_check.score_greedy(batch, vocab_size=IDS)):
        assert scores.status.size == 0
        assert list(scores) == [[]]
