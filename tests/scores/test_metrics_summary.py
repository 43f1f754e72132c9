"""``compute_metrics_summary``: token-difr 0.1.2's keys and, on scored tokens, its numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from token_difr import Scores, TokenMetrics, TopKBatch, compute_metrics_summary, score

KEYS = [
    "total_tokens",
    "exact_match_rate",
    "avg_prob",
    "avg_margin",
    "infinite_margin_rate",
    "avg_logit_rank",
    "avg_gumbel_rank",
]

tokens = st.builds(
    TokenMetrics,
    exact_match=st.booleans(),
    prob=st.floats(0, 1),
    margin=st.one_of(st.floats(0, 50), st.just(math.inf), st.just(math.nan)),
    logit_rank=st.one_of(st.integers(0, 50).map(float), st.just(math.inf)),
    gumbel_rank=st.one_of(st.integers(0, 50).map(float), st.just(math.inf)),
)


def plain(results: list[list[TokenMetrics]]) -> dict[str, float]:
    """The definition: sums over all tokens, divided by their number; the margin over its finite values."""
    flat = [token for tokens in results for token in tokens]
    if not flat:
        return dict.fromkeys(KEYS, 0)
    finite = [token.margin for token in flat if math.isfinite(token.margin)]
    count = len(flat)
    return {
        "total_tokens": count,
        "exact_match_rate": sum(token.exact_match for token in flat) / count,
        "avg_prob": sum(token.prob for token in flat) / count,
        "avg_margin": sum(finite) / len(finite) if finite else math.inf,
        "infinite_margin_rate": (count - len(finite)) / count,
        "avg_logit_rank": sum(token.logit_rank for token in flat) / count,
        "avg_gumbel_rank": sum(token.gumbel_rank for token in flat) / count,
    }


@given(st.lists(st.lists(tokens, max_size=5), max_size=5))
def test_scored_tokens_have_the_averages_of_the_definition(results: list[list[TokenMetrics]]) -> None:
    """On lists of scored tokens the summary is the plain one, in built-in types, keys in their order."""
    summary = compute_metrics_summary(results)

    assert list(summary) == KEYS
    assert summary == pytest.approx(plain(results), rel=1e-12)
    assert all(type(value) in {int, float} for value in summary.values())


def test_scores_and_their_lists_have_the_same_summary() -> None:
    """The fast path over columns gives the numbers of the path over objects; unscored tokens are left out of rates."""
    row = [(5, -0.5), (7, -1.25)]
    scores = score(TopKBatch.from_rows([row, row, row, None], [5, 7, 8, 5], sequence_indptr=[0, 3, 4]))
    summary = compute_metrics_summary(scores)

    assert summary == compute_metrics_summary(list(scores))
    assert summary["total_tokens"] == 4
    assert summary["exact_match_rate"] == pytest.approx(1 / 3)
    assert summary["infinite_margin_rate"] == pytest.approx(1 / 3)
    assert summary["avg_margin"] == pytest.approx(0.375)
    assert summary["avg_logit_rank"] == pytest.approx(1)


@pytest.mark.parametrize("nothing", [[], [[], []], Scores.from_margins([], [0])])
def test_no_tokens_are_zeros(nothing: list[list[TokenMetrics]]) -> None:
    """Without tokens every value is 0, as in token-difr 0.1.2."""
    assert compute_metrics_summary(nothing) == dict.fromkeys(KEYS, 0)


def test_no_finite_margin_is_infinite() -> None:
    """The average of no finite margin is inf, as in token-difr 0.1.2; rates over no known token are 0."""
    assert compute_metrics_summary(Scores.from_margins([math.inf, math.inf]))["avg_margin"] == math.inf
    unscored = compute_metrics_summary(Scores.from_margins([math.nan]))
    assert (unscored["total_tokens"], unscored["exact_match_rate"], unscored["avg_margin"]) == (1, 0, math.inf)


def test_verbose_writes_five_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary as text, as token-difr 0.1.2 wrote it; nothing where there is nothing to say."""
    compute_metrics_summary(
        [[TokenMetrics(True, 0.5, 0.0, 0.0, 0.0), TokenMetrics(False, 0.25, math.inf, 2.0, 2.0)]], verbose=True
    )

    assert capsys.readouterr().out == (
        "Verification Summary:\n"
        "  Total tokens: 2\n"
        "  Exact match rate: 50.00%\n"
        "  Average probability: 0.3750\n"
        "  Average margin: 0.0000 (50.00% infinite)\n"
    )
    compute_metrics_summary([], verbose=True)
    assert capsys.readouterr().out == ""
