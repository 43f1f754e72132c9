"""Scores at a temperature above 0 against dense torch tensors, and their edges."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dense_cases import make_case
from token_difr import (
    UNRESOLVED,
    InputError,
    Sampler,
    SamplerError,
    SamplingParams,
    Scores,
    ScoreStatus,
    TopKBatch,
    UnreplayableError,
    score,
)
from token_difr.scores import torch_check

CPU = Sampler.parse("torch-cpu@2.13:filters=vllm")
VLLM = Sampler.parse("vllm@0.33")
SGLANG = Sampler.parse("sglang@0.5.23")
Row = Sequence[tuple[int, float]]


def spread(*shares: float) -> list[tuple[int, float]]:
    """A row of ids 0, 1, ... with these probabilities."""
    return [(token_id, math.log(share)) for token_id, share in enumerate(shares)]


def score_rows(
    rows: Sequence[Row], claimed: Sequence[int], params: SamplingParams, sampler: Sampler | None = VLLM, **batch: object
) -> Scores:
    """The scores of one sequence after a prompt of 3 tokens."""
    return score(
        TopKBatch.from_rows(rows, claimed, prompt_lengths=[3], **batch),  # type: ignore[arg-type]
        params,
        sampler=sampler,
        vocab_size=100,
    )


def sampled(**params: object) -> SamplingParams:
    """Temperature 1 and seed 7 unless told otherwise."""
    return SamplingParams(**{"temperature": 1.0, "seed": 7, **params})  # type: ignore[arg-type]


@given(
    st.integers(0, 2**32),
    st.sampled_from([0.5, 1.0, 1.5]),
    st.sampled_from([(0, 1.0), (4, 1.0), (4, 0.9), (4, 0.5), (12, 1.0)]),
    st.booleans(),
)
def test_scored_tokens_equal_the_dense_torch_path(
    seed: int, temperature: float, filters: tuple[int, float], stepped: bool
) -> None:
    """Margins within 1e-5, ranks and matches equal except that close to a tie, prob where the support is in the row."""
    pytest.importorskip("torch")
    top_k, top_p = filters
    params = SamplingParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    case = make_case(
        np.random.default_rng(seed), CPU, params, size=64, shown=10, stepped=stepped, known=0.5, honest=0.7
    )
    native = score(case.batch, params, sampler=CPU, vocab_size=64)
    dense = torch_check.score_sampled(case.batch, params, vocab_size=64)
    scored = native.status == ScoreStatus.SCORED

    scale = np.maximum(1, np.abs(native.margin[scored]))
    difference = np.abs(native.margin[scored] - dense.margin[scored])
    assert np.all((difference <= 1e-5 * scale) | (native.margin[scored] == dense.margin[scored]))
    z = np.stack([case.contests(j)[0].z for j in range(len(case.batch))])
    apart = np.sort(np.abs(z - np.take_along_axis(z, case.claimed[:, None], 1)), 1)[:, 1] > 1e-5
    clear = scored & apart
    assert native.exact_match[clear].tolist() == dense.exact_match[clear].tolist()
    assert native.gumbel_rank[clear].tolist() == dense.gumbel_rank[clear].tolist()
    by_row = scored & (case.batch.claimed_rank < 0)
    assert native.logit_rank[by_row].tolist() == dense.logit_rank[by_row].tolist()
    if 0 < top_k < 10 and not stepped:
        np.testing.assert_allclose(native.prob[scored], dense.prob[scored], rtol=2e-5)


def test_without_noise_tokens_have_their_likelihood() -> None:
    """No sampler, or no seed: prob, rank and surprise hold, nothing is matched, nothing is an error."""
    rows = [spread(0.5, 0.25, 0.125, 0.125)] * 2
    for scores in (
        score_rows(rows, [0, 2], sampled(), sampler=None),
        score_rows(rows, [0, 2], sampled(seed=None)),
    ):
        assert scores.status.tolist() == [ScoreStatus.UNREPLAYED] * 2
        assert not scores.exact_match.any()
        assert np.isnan([scores.margin, scores.margin_bound, scores.gumbel_rank]).all()
        np.testing.assert_allclose(scores.prob, [0.5, 0.125], rtol=1e-4)
        assert scores.logit_rank.tolist() == [0, 2]
        entropy = 1.75 * math.log(2)
        np.testing.assert_allclose(scores.surprise, [math.log(2) - entropy, 3 * math.log(2) - entropy], atol=1e-3)


def test_surprise_of_an_honest_sampler_averages_to_nothing() -> None:
    """Its mean is 0 at temperature 1, with filters too; another temperature moves it."""
    rng = np.random.default_rng(0)
    logprobs = np.log(rng.dirichlet(np.full(50, 0.3), 4000))
    order = np.argsort(-logprobs, 1)[:, :30]
    noise = rng.gumbel(size=logprobs.shape)

    def mean_surprise(claimed_at: float, top_k: int) -> float:
        kept = logprobs >= -np.sort(-logprobs, 1)[:, [(top_k or 50) - 1]]
        claimed = np.where(kept, logprobs / claimed_at + noise, -np.inf).argmax(1)
        rows = [list(zip(ids.tolist(), logprobs[j, ids].tolist(), strict=True)) for j, ids in enumerate(order)]
        return float(score_rows(rows, claimed.tolist(), sampled(top_k=top_k, seed=None)).surprise.mean())

    for top_k in (0, 10):
        assert abs(mean_surprise(1.0, top_k)) < 0.03
        assert mean_surprise(1.3, top_k) > 0.05
        assert mean_surprise(0.8, top_k) < -0.05


def test_no_token_is_more_surprising_than_30() -> None:
    """A token that the filters drop, and one of no probability."""
    scores = score_rows(
        [spread(0.75, 0.25), [(0, 0.0), (1, -math.inf)]], [1, 1], sampled(top_k=0, top_p=0.5, seed=None)
    )

    assert (scores.surprise <= 30).all()
    assert (scores.surprise > 29).all()
    assert scores.prob.tolist() == [0, 0]


@pytest.mark.parametrize("temperature", [1e-8, 1e-6, 9e-6])
def test_tiny_temperatures_and_top_k_1_are_greedy(temperature: float) -> None:
    """Below the engines' threshold, and with one token to choose from, there is no noise."""
    rows = [spread(0.5, 0.3, 0.2)] * 2
    greedy = score_rows(rows, [0, 1], SamplingParams())
    for params in (sampled(temperature=temperature), sampled(top_k=1), sampled(top_k=1, seed=None)):
        assert score_rows(rows, [0, 1], params).margin.tolist() == greedy.margin.tolist()


def test_a_low_temperature_is_finite() -> None:
    """At 1e-4 weights underflow, and nothing else does."""
    scores = score_rows([spread(0.5, 0.3, 0.2)] * 2, [0, 1], sampled(temperature=1e-4, top_k=2, top_p=0.9))

    assert scores.status.tolist() == [ScoreStatus.SCORED, ScoreStatus.FILTERED]
    assert scores.exact_match.tolist() == [True, False]
    assert scores.margin_bound[1] == pytest.approx(math.log(0.5 / 0.3), abs=2e-3)
    assert np.isfinite(scores.surprise).all()


def test_edges_of_rows() -> None:
    """Empty, without a finite value, of one candidate, and a claimed token of no probability."""
    rows: list[Row] = [[], [(1, -math.inf)], [(4, 0.0)], [(4, -0.01), (5, -math.inf)]]
    scores = score_rows(rows, [1, 1, 4, 5], sampled())

    assert scores.status.tolist() == [ScoreStatus.UNSCORED] * 2 + [ScoreStatus.SCORED] * 2
    assert scores.exact_match.tolist() == [False, False, True, False]
    np.testing.assert_array_equal(scores.margin, [math.nan, math.nan, 0, math.inf])
    assert np.isnan(scores.surprise[:2]).all()


def test_two_equal_maxima_are_told_apart_by_their_noise() -> None:
    """Exactly one of two tokens that tie is the match."""
    scores = score_rows([spread(0.5, 0.5)] * 20, [0, 1] * 10, sampled())

    assert (scores.status == ScoreStatus.SCORED).all()
    pairs = [score_rows([spread(0.5, 0.5)] * 20, [token] * 20, sampled()).exact_match for token in (0, 1)]
    assert (pairs[0] ^ pairs[1]).all()


def test_no_tokens_have_no_scores() -> None:
    """Zero positions, zero sequences."""
    for sampler in (VLLM, CPU, SGLANG, None):
        batch = TopKBatch.from_rows([], [], sequence_indptr=[0], prompt_lengths=[])
        assert len(score(batch, sampled(), sampler=sampler, vocab_size=10).status) == 0


def test_a_token_outside_the_support_is_filtered() -> None:
    """By its own value, or because no token that the row does not show can be in the support."""
    row = spread(0.6, 0.3, 0.05, 0.04)
    scores = score_rows([row, row, row], [2, 50, 50], sampled(top_k=2), claimed_logprob=[math.nan, math.nan, -6.0])

    assert scores.status.tolist() == [ScoreStatus.FILTERED] * 3
    assert np.isposinf(scores.margin).all()
    assert (scores.margin_bound >= math.log(0.3 / 0.05) - 1e-5).all()
    assert scores.prob.tolist() == [0, 0, 0]


def test_sequences_have_their_own_seeds() -> None:
    """One a sequence; the same as each sequence alone; any integers; their number is checked."""
    rows = [spread(0.4, 0.3, 0.2, 0.1)] * 6
    batch = TopKBatch.from_rows(rows, [0, 1, 2, 3, 0, 1], sequence_indptr=[0, 4, 4, 6], prompt_lengths=[3, 9, 5])
    alone = [
        TopKBatch.from_rows(rows[:4], [0, 1, 2, 3], prompt_lengths=[3]),
        TopKBatch.from_rows(rows[4:], [0, 1], prompt_lengths=[5]),
    ]
    for sampler in (VLLM, CPU, SGLANG):
        together = score(batch, sampled(seed=(-1, 0, 2**64 + 5)), sampler=sampler, vocab_size=10)
        apart = [
            score(part, sampled(seed=seed), sampler=sampler, vocab_size=10)
            for part, seed in zip(alone, (2**64 - 1, 5), strict=True)
        ]
        assert together.margin.tolist() == np.concatenate([scores.margin for scores in apart]).tolist()
    with pytest.raises(InputError, match="there are 2 seeds for 3 sequences"):
        score(batch, sampled(seed=(1, 2)), sampler=VLLM)


def test_what_cannot_be_replayed_is_named() -> None:
    """Missing lengths and widths, ids that are too large, and what an engine refuses itself."""
    batch = TopKBatch.from_rows([spread(0.5, 0.5)], [0])
    with pytest.raises(InputError, match="the batch needs prompt_lengths"):
        score(batch, sampled(), sampler=VLLM)
    with pytest.raises(SamplerError, match="give vocab_size"):
        score(batch, sampled(), sampler=CPU)
    with pytest.raises(InputError, match=r"token_ids\[0\] = 1 is not below vocab_size = 1"):
        score(batch, sampled(), sampler=CPU, vocab_size=1)
    with pytest.raises(UnreplayableError, match="SGLang refuses min_p together with a seed"):
        score_rows([spread(0.5, 0.5)], [0], sampled(min_p=0.1), sampler=SGLANG)
    with pytest.raises(UnreplayableError, match="ignores the seed where neither top_k nor top_p"):
        score_rows([spread(0.5, 0.5)], [0], sampled(), sampler=Sampler.parse("sglang@0.5.3"))
    with pytest.raises(SamplerError, match="tail='replay' draws the noise of every id: give vocab_size"):
        score(TopKBatch.from_rows([spread(0.5, 0.5)], [0], prompt_lengths=[1]), sampled(), sampler=VLLM, tail="replay")
    with pytest.raises(InputError, match=r"prompt_lengths\[0\] is 0"):
        score(TopKBatch.from_rows([spread(0.5, 0.5)], [0], prompt_lengths=[0]), sampled(), sampler=VLLM)
    with pytest.raises(InputError, match="tail must be one of ignore, replay"):
        score(batch, sampled(), tail="guess")  # type: ignore[arg-type]


def test_an_unresolved_entry_weighs_but_does_not_compete() -> None:
    """Its noise is unknown: it is no rival, and a claimed token at its very logprob is that entry."""
    row = [(UNRESOLVED, math.log(0.6)), (1, math.log(0.3))]
    scores = score_rows([row, row], [1, 9], sampled(), claimed_logprob=[math.nan, np.float32(math.log(0.6))])

    assert scores.status[0] == ScoreStatus.SCORED
    assert scores.exact_match[0]
    np.testing.assert_allclose(scores.prob, [0.3, 0.6], rtol=1e-3)


@pytest.mark.parametrize("name", ["vllm@0.33", "torch-cpu@2.13", "sglang@0.5.23"])
def test_a_replayed_tail_shows_where_an_unseen_token_could_have_won(name: str) -> None:
    """Where one did win, ``rival_possible`` says so; statuses do not depend on it."""
    sampler = Sampler.parse(name)
    params = sampled(top_p=1.0)
    case = make_case(
        np.random.default_rng(3), sampler, params, size=400, shown=6, stepped=False, known=0.0, honest=0.0, positions=80
    )
    plain = score(case.batch, params, sampler=sampler, vocab_size=400)
    replayed = score(case.batch, params, sampler=sampler, vocab_size=400, tail="replay")
    winners = np.array([case.contests(j)[0].winner() for j in range(80)])
    rows = case.batch.token_ids.reshape(80, 6)
    unseen = ~(rows == winners[:, None]).any(1) & (winners != case.claimed)

    assert plain.rival_possible is None
    assert plain.status.tolist() == replayed.status.tolist()
    assert replayed.rival_possible is not None
    assert unseen.sum() > 5
    assert replayed.rival_possible[unseen].all()
    inside = score(case.batch, sampled(top_k=3), sampler=sampler, vocab_size=400, tail="replay")
    assert inside.rival_possible is not None
    assert not inside.rival_possible.any()
