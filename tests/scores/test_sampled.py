"""Scores at a temperature above 0 from rows, against the answer of the whole distribution."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dense_cases import Case, make_case, score_case
from token_difr import Sampler, SamplingParams, Scores, ScoreStatus
from token_difr.scores.oracle import dense_contest

SAMPLERS = tuple(
    Sampler.parse(name)
    for name in (
        "vllm@0.33",
        "vllm@0.30",
        "torch-cpu@2.13",
        "torch-cuda@2.9:multiprocessors=1,threads=256",
        "sglang@0.5.23",
        "sglang@0.5.5",
    )
)
SLACK = 2e-5
DECIDED_MISMATCH = (ScoreStatus.SCORED, ScoreStatus.CENSORED, ScoreStatus.FILTERED)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any engine, temperature, filters and length of the rows."""
    return make_case(
        np.random.default_rng(draw(st.integers(0, 2**32))),
        draw(st.sampled_from(SAMPLERS)),
        SamplingParams(
            temperature=draw(st.sampled_from([0.3, 0.7, 1.0, 1.0, 1.3, 2.0])),
            top_k=draw(st.sampled_from([0, 0, 2, 3, 8, 20, 40])),
            top_p=draw(st.sampled_from([1.0, 1.0, 0.95, 0.8, 0.5, 0.1])),
            seed=draw(st.integers(-(2**63), 2**64)),
        ),
        size=draw(st.integers(2, 60)),
        shown=draw(st.integers(1, 24)),
        stepped=draw(st.booleans()),
        known=draw(st.sampled_from([0.0, 0.5, 1.0])),
        honest=draw(st.sampled_from([0.5, 1.0])),
    )


@st.composite
def cases_with_holes(draw: st.DrawFn) -> Case:
    """Rows that lack entries, or have entries without an id, or both."""
    case = draw(cases())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return make_case(
        rng,
        case.sampler,
        case.params,
        size=case.logprobs.shape[1],
        shown=case.shown,
        stepped=draw(st.booleans()),
        known=0.5,
        honest=0.8,
        gaps=draw(st.sampled_from([0.0, 0.1, 0.4])),
        unresolved=draw(st.sampled_from([0.0, 0.1, 0.5])),
    )


@st.composite
def cases_with_min_p(draw: st.DrawFn) -> Case:
    """The engines that take min-p with a seed."""
    case = draw(cases())
    if case.sampler.filters == "sglang":
        return case
    params = SamplingParams(
        temperature=case.params.temperature,
        top_k=case.params.top_k,
        top_p=case.params.top_p,
        min_p=draw(st.sampled_from([0.02, 0.1, 0.4])),
        seed=case.params.seed,
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size, shown = case.logprobs.shape[1], case.shown
    return make_case(
        rng, case.sampler, params, size=size, shown=shown, stepped=draw(st.booleans()), known=0.5, honest=0.7
    )


def assert_position_is_right(case: Case, scores: Scores, j: int) -> None:
    """Nothing that was decided contradicts any order of equal values."""
    status, claimed = ScoreStatus(scores.status[j]), int(case.claimed[j])
    told = f"position {j}: {status.name}, margin {scores.margin[j]}, bound {scores.margin_bound[j]}"
    for contest in case.contests(j):
        winner = contest.winner()
        if scores.exact_match[j]:
            row = case.batch.token_ids[case.batch.indptr[j] : case.batch.indptr[j + 1]]
            candidates = contest.order[: case.shown] if case.sampler.uses_rank_columns(case.params) else row
            shown = np.zeros(contest.z.size, np.bool_)
            shown[[*candidates[candidates < shown.size], claimed]] = True
            assert contest.winner(shown) == claimed, told
        elif status in DECIDED_MISMATCH:
            assert winner != claimed, told
        if status in (ScoreStatus.SCORED, ScoreStatus.CENSORED):
            distance = contest.z[winner] - contest.z[claimed] if contest.kept[claimed] else np.inf
            assert scores.margin_bound[j] <= distance + 1e-5 * max(1, abs(scores.margin_bound[j])), told


def straddles(case: Case, j: int) -> bool:
    """Whether equal values, or what rounding hides, stand across an edge of the support."""
    contests = case.contests(j)
    nudged = [
        dense_contest(
            case.logprobs[j],
            case.noise[j],
            SamplingParams(
                temperature=case.params.temperature,
                top_k=case.params.top_k,
                top_p=min(1.0, case.params.top_p + shift) if case.params.top_p < 1 else 1.0,
                min_p=case.params.min_p,
                seed=case.params.seed,
            ),
            case.sampler,
            contests[0].order,
        )
        for shift in (-SLACK, SLACK)
    ]
    first = contests[0]
    return any((contest.kept != first.kept).any() for contest in [*contests, *nudged])


@given(st.one_of(cases(), cases_with_min_p()))
def test_what_is_decided_is_the_answer_of_the_whole_distribution(case: Case) -> None:
    """A decided mismatch is a mismatch, a match the best of row and claimed, a bound below the true distance."""
    scores = score_case(case)
    assert (scores.status != ScoreStatus.UNSCORED).all()
    for j in range(len(case.batch)):
        assert_position_is_right(case, scores, j)


@given(cases_with_holes())
def test_what_is_decided_holds_where_rows_have_holes(case: Case) -> None:
    """The same for rows that lack entries, or whose entries have no id."""
    scores = score_case(case)
    assert ((scores.status == ScoreStatus.UNSCORED) <= (np.diff(case.batch.indptr) == 0)).all()
    for j in np.flatnonzero(scores.status != ScoreStatus.UNSCORED):
        assert_position_is_right(case, scores, int(j))


@given(cases())
def test_nothing_is_undecided_where_the_row_shows_all_that_counts(case: Case) -> None:
    """Where top-k lies strictly inside the row and no tie stands across an edge, every token is decided."""
    scores, size = score_case(case), case.logprobs.shape[1]
    if not 0 < case.params.top_k < min(case.shown, size) or case.sampler.stream == "sglang-prime":
        return
    for j in range(len(case.batch)):
        ranked = np.sort(case.logprobs[j])[::-1]
        ties = case.sampler.uses_rank_columns(case.params) and (np.diff(ranked[: case.shown]) == 0).any()
        # What SGLang's shares are parts of goes beyond the row, wherever top-k cuts.
        shares = case.sampler.filters == "sglang" and case.params.top_p < 1
        last = ranked[min(case.shown, size) - 1]
        if ranked[case.params.top_k - 1] == last or ties or shares or straddles(case, j):
            continue
        assert scores.status[j] != ScoreStatus.UNDECIDED
