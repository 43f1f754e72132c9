"""The randomized percentile: its edges, the whole distribution's answer, and that an honest sampler's are uniform."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from token_difr import UNRESOLVED, Sampler, SamplingParams, Scores, ScoreStatus, TopKBatch, score
from token_difr.scores.oracle import dense_percentile, dense_support, uniforms

TEMPERATURES = (0.7, 1.0, 1.3)
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"top_k": 8},
    {"top_p": 0.9},
    {"top_k": 12, "top_p": 0.8},
    {"top_k": 40},
    {"min_p": 0.02},
)
RULES = {"vllm": "vllm@0.33", "sglang": "sglang@0.5.23", "huggingface": "torch-cpu@2.13:filters=huggingface"}
LUMP = 2e-4
"""Percentiles are known to within the tolerance of the lump, twice: in the part before the token and in the whole."""

SHARES = [0.5, 0.25, 0.125, 0.125]
ROW = [(token_id, math.log(share)) for token_id, share in enumerate(SHARES)]


def unseeded(**params: object) -> SamplingParams:
    """Temperature 1 unless told otherwise."""
    return SamplingParams(**{"temperature": 1.0, **params})  # type: ignore[arg-type]


def percentiles(batch: TopKBatch, params: SamplingParams, sampler: Sampler | None = None) -> NDArray[np.float64]:
    """The column in float64."""
    column = score(batch, params, sampler=sampler).percentile
    assert column is not None
    return column.astype(np.float64)


# fmt: off
EDGES = [
    # what is claimed                               row                                claimed  params              F      p
    ("the first entry",                             ROW,                               0,       {},                 0.0,   0.5),
    ("an inner entry",                              ROW,                               2,       {},                 0.75,  0.125),
    ("two entries are left",                        ROW,                               1,       {"top_k": 2},       2 / 3, 1 / 3),
    ("one is left",                                 ROW,                               0,       {"top_p": 0.4},     0.0,   1.0),
    ("an entry that is dropped",                    ROW,                               3,       {"top_k": 2},       1.0,   0.0),
    ("outside, and top-k cuts inside the row",      ROW,                               9,       {"top_k": 2},       1.0,   0.0),
    ("outside, and top-p cuts inside the row",      ROW,                               9,       {"top_p": 0.6},     1.0,   0.0),
    ("outside a row that shows half",               ROW[:1],                           9,       {},                 0.5,   0.5),
    ("the entry of a row that shows half",          ROW[:1],                           0,       {},                 0.0,   0.5),
    ("its entry at 2: the lump's weight is open",   ROW[:2],                           1,       {"temperature": 2}, 0.586, 0.414),
    ("outside, at 2",                               ROW[:2],                           9,       {"temperature": 2}, None,  None),
    ("a cut inside the lump: among the row's",      ROW[:2],                           1,       {"top_p": 0.9},     2 / 3, 1 / 3),
    ("outside, where a filter cuts in the lump",    ROW[:2],                           9,       {"top_p": 0.9},     None,  None),
    ("outside, where an unseen one ties with k",    [(0, -0.75), (1, -1.5)],           9,       {"top_k": 2},       None,  None),
    ("outside, where an entry has no id",           [(UNRESOLVED, math.log(0.25)), *ROW[2:]], 9, {},                0.25,  0.75),
    ("an entry below one without an id",            [(UNRESOLVED, math.log(0.25)), *ROW[2:]], 2, {},                0.0,   0.125),
    ("an entry of no probability",                  [*ROW, (5, -math.inf)],            5,       {},                 1.0,   0.0),
    ("an empty row",                                [],                                0,       {},                 None,  None),
]
# fmt: on


@pytest.mark.parametrize(
    ("row", "claimed", "params", "before", "own"), [edge[1:] for edge in EDGES], ids=[e[0] for e in EDGES]
)
def test_edges(
    row: list[tuple[int, float]], claimed: int, params: dict[str, object], before: float | None, own: float
) -> None:
    """Each is F + v p, or NaN where the row does not tell."""
    batch = TopKBatch.from_rows([row] * 3, [claimed] * 3, sequence_indptr=[0, 1, 1, 3])
    expected = np.full(3, np.nan) if before is None else before + uniforms(batch) * own

    np.testing.assert_allclose(percentiles(batch, unseeded(**params)), expected, atol=1e-3)


def test_a_known_logprob_outside_the_row_changes_nothing() -> None:
    """All tokens outside the row are one outcome."""
    rows, claimed = [ROW[:2]] * 2, [9, 9]
    known = TopKBatch.from_rows(rows, claimed, claimed_logprob=[-4.0, math.nan])
    unknown = TopKBatch.from_rows(rows, claimed)

    assert percentiles(known, unseeded()).tolist() == percentiles(unknown, unseeded()).tolist()


def test_only_unseeded_sampling_has_percentiles() -> None:
    """None at temperature 0 and where the noise was replayed."""
    batch = TopKBatch.from_rows([ROW], [0], prompt_lengths=[3])

    assert score(batch).percentile is None
    assert score(batch, unseeded(seed=3), sampler=Sampler.parse("vllm@0.33")).percentile is None
    assert score(batch, unseeded(seed=3)).percentile is not None


def test_the_stream_is_keyed_by_sequence_and_token() -> None:
    """The same token of the same sequence has the same percentile, whatever stands in the sequences before it."""
    row = [(0, 0.0)]
    short = TopKBatch.from_rows([row] * 4, [0] * 4, sequence_indptr=[0, 1, 1, 4])
    long = TopKBatch.from_rows([row] * 9, [0] * 9, sequence_indptr=[0, 2, 5, 9])

    assert percentiles(short, unseeded())[1:].tolist() == percentiles(long, unseeded())[5:8].tolist()
    assert percentiles(short, unseeded())[0] == percentiles(long, unseeded())[0]
    # The lump of a row that shows everything has 1e-5.
    assert percentiles(short, unseeded())[0] == pytest.approx((731344534 + 0.5) / 2**32, rel=2e-5)


@st.composite
def drawn_cases(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.int64], TopKBatch, SamplingParams, Sampler]:
    """Whole distributions, any claimed tokens, rows of them, and the engine's rule."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size, shown = draw(st.integers(2, 60)), draw(st.integers(1, 24))
    raw = rng.exponential(rng.uniform(0.3, 2.0, (6, 1)), (6, size))
    raw = np.round(raw * 16) / 16 if draw(st.booleans()) else raw
    logprobs = (raw - np.log(np.exp(raw).sum(1, keepdims=True))).astype(np.float32).astype(np.float64)
    order = np.argsort(-logprobs, axis=1, kind="stable")
    claimed = np.where(rng.random(6) < 0.7, order[np.arange(6), rng.integers(min(size, shown), size=6)], size - 1)
    told = np.where(rng.random(6) < 0.5, np.take_along_axis(logprobs, claimed[:, None], 1)[:, 0], np.nan)
    batch = TopKBatch.from_rows(
        [[(int(i), float(logprobs[j, i])) for i in order[j, :shown]] for j in range(6)], claimed, claimed_logprob=told
    )
    params = unseeded(
        temperature=draw(st.sampled_from([0.3, 0.7, 1.0, 1.0, 1.3, 2.0])),
        top_k=draw(st.sampled_from([0, 0, 2, 3, 8, 20, 40])),
        top_p=draw(st.sampled_from([1.0, 1.0, 0.95, 0.8, 0.5, 0.1])),
        min_p=draw(st.sampled_from([0.0, 0.0, 0.02, 0.4])),
    )
    return logprobs, order, batch, params, Sampler.parse(RULES[draw(st.sampled_from(sorted(RULES)))])


@given(drawn_cases())
def test_percentiles_are_those_of_the_whole_distribution(
    case: tuple[NDArray[np.float64], NDArray[np.int64], TopKBatch, SamplingParams, Sampler],
) -> None:
    """Every percentile is the oracle's, among the whole support or its first so many tokens; none is missing if all is known.

    Which tokens are certain must not depend on the claimed one: so the two ways are tried for every position, and only
    where the row settles the support is one of them asked for.
    """
    logprobs, order, batch, params, sampler = case
    found, uniform = percentiles(batch, params, sampler), uniforms(batch)
    for j in range(len(batch)):
        shown = int(np.diff(batch.indptr)[j])
        kept = dense_support(logprobs[j], params, sampler.filters, order[j])[order[j]]
        row, lump = order[j, :shown], order[j, shown:][kept[shown:]]
        named = row[kept[:shown]]
        claimed = int(batch.claimed[j])
        singles = [np.array([token]) for token in named]

        def among(outcomes: list[NDArray[np.int64]], j: int = j, claimed: int = claimed) -> float:
            return dense_percentile(logprobs[j], params.temperature, outcomes, claimed, float(uniform[j]))

        whole = among([*singles, lump])
        ranked = logprobs[j, order[j]]
        settled = (0 < params.top_k < shown and ranked[params.top_k - 1] > ranked[shown - 1]) and params.top_p == 1
        settled |= params.temperature == 1 and params.top_k == 0 and params.top_p == 1 and params.min_p == 0
        if sampler.filters == "sglang" and (np.diff(ranked[:shown]) == 0).any():
            settled = False
        if settled:
            expected = 1.0 if math.isnan(whole) else whole
            assert found[j] == pytest.approx(expected, abs=LUMP), (j, found[j], expected)
            continue
        prefixes = [among(singles[:length]) for length in range(1, len(singles) + 1)]
        allowed = [1.0, whole, *prefixes] if not (claimed in named and whole < 1 - LUMP) else [whole, *prefixes]
        assert math.isnan(found[j]) or min(abs(found[j] - u) for u in allowed if not math.isnan(u)) < LUMP, (
            j,
            found[j],
            allowed,
        )


def honest(temperature: float, filters: dict[str, object], *, drawn_at: float, positions: int = 3000) -> Scores:
    """The scores at ``temperature`` of tokens that are drawn at ``drawn_at``; rows show 20 of 300 ids."""
    rng = np.random.default_rng(round(100 * temperature))
    raw = rng.exponential(rng.uniform(0.2, 2.0, (positions, 1)), (positions, 300)) * 1.5
    logprobs = raw - np.log(np.exp(raw).sum(1, keepdims=True))
    order = np.argsort(-logprobs, axis=1)
    params = unseeded(temperature=temperature, **filters)
    kept = np.array([dense_support(logprobs[j], params, "vllm", order[j]) for j in range(positions)])
    claimed = np.where(kept, logprobs / drawn_at + rng.gumbel(size=logprobs.shape), -np.inf).argmax(1)
    shown = order[:, :20]
    batch = TopKBatch(
        indptr=np.arange(0, 20 * positions + 1, 20),
        token_ids=shown.ravel().astype(np.uint32),
        logprobs=np.take_along_axis(logprobs, shown, 1).ravel().astype(np.float32),
        claimed=claimed.astype(np.uint32),
        sequence_indptr=np.arange(0, positions + 1, 60),
    )
    return score(batch, params)


def distance(values: NDArray[np.float32]) -> float:
    """Kolmogorov's: the largest distance of the empirical distribution from the uniform one, times the root of n."""
    ranked, n = np.sort(values.astype(np.float64)), values.size
    steps = np.arange(n + 1) / n
    return float(max((steps[1:] - ranked).max(), (ranked - steps[:-1]).max()) * math.sqrt(n))


CRITICAL = math.sqrt(-math.log(1e-6 / 2) / 2)
"""P(sqrt(n) D > c) is at most 2 exp(-2 c^2) for every n (Massart 1990): here one in a million."""


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_percentiles_of_an_honest_sampler_are_uniform(temperature: float, filters: dict[str, object]) -> None:
    """At every temperature and under every filter, whatever the rows do not show."""
    scores = honest(temperature, filters, drawn_at=temperature)
    assert scores.percentile is not None
    known = scores.percentile[~np.isnan(scores.percentile)]

    assert (scores.status == ScoreStatus.UNREPLAYED).all()
    assert known.size > 1500
    assert distance(known) < CRITICAL


@pytest.mark.parametrize("drawn_at", [0.8, 1.25])
def test_percentiles_of_another_temperature_are_not(drawn_at: float) -> None:
    """Sharper sampling lies too low, flatter sampling too high."""
    scores = honest(1.0, {}, drawn_at=drawn_at)
    assert scores.percentile is not None

    assert not np.isnan(scores.percentile).any()
    assert distance(scores.percentile) > CRITICAL
    assert (scores.percentile.mean() > 0.5) == (drawn_at > 1)
