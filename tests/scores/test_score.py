"""``score``: what it takes, and the edges of its tables as a user meets them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from token_difr import UNRESOLVED, InputError, SamplingParams, ScoreStatus, TopKBatch, score

ROW = [(5, -0.5), (7, -1.25)]


@pytest.mark.parametrize(
    ("row", "claimed", "status", "exact_match", "margin", "bound"),
    [
        pytest.param(None, 7, ScoreStatus.UNSCORED, False, math.nan, math.nan, id="empty row"),
        pytest.param([(7, -math.inf)], 7, ScoreStatus.UNSCORED, False, math.nan, math.nan, id="every value -inf"),
        pytest.param([(UNRESOLVED, -0.5)], 7, ScoreStatus.UNSCORED, False, math.nan, math.nan, id="unresolved on top"),
        pytest.param(ROW, 5, ScoreStatus.SCORED, True, 0, 0, id="first choice"),
        pytest.param(ROW, 7, ScoreStatus.SCORED, False, 0.75, 0.75, id="second choice"),
        pytest.param([(5, -1), (7, -1)], 5, ScoreStatus.SCORED, True, 0, 0, id="tie, lower id"),
        pytest.param([(5, -1), (7, -1)], 7, ScoreStatus.SCORED, False, 0, 0, id="tie, higher id"),
        pytest.param([(5, -1), (7, -math.inf)], 7, ScoreStatus.SCORED, False, math.inf, math.inf, id="claimed -inf"),
        pytest.param(ROW, 8, ScoreStatus.CENSORED, False, math.inf, 1.735_169, id="absent: the mass caps it"),
        pytest.param([(5, -1.5), (7, -2.5)], 8, ScoreStatus.CENSORED, False, math.inf, 1, id="absent: the row caps it"),
    ],
)
def test_edges(  # noqa: PLR0917
    row: list[tuple[int, float]] | None,
    claimed: int,
    status: ScoreStatus,
    exact_match: bool,
    margin: float,
    bound: float,
) -> None:
    """Each edge has its written answer."""
    scores = score(TopKBatch.from_rows([row], [claimed]))

    assert scores.status[0] == status
    assert scores.exact_match[0] == exact_match
    assert scores.margin[0] == pytest.approx(margin, abs=1e-6, nan_ok=True)
    assert scores.margin_bound[0] == pytest.approx(bound, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(),
        SamplingParams(temperature=1e-8, top_k=5, top_p=0.95, min_p=0.2, seed=42),
        SamplingParams(temperature=0, top_k=3, seed=(1,)),
        SamplingParams(temperature=1.5, top_k=1),
    ],
)
def test_greedy_sampling_ignores_filters_and_seed(params: SamplingParams) -> None:
    """At temperature 0, nearly 0, or with one token kept, the scores are those of the arg-max."""
    scores = score(TopKBatch.from_rows([ROW], [7]), params, vocab_size=3, tail="replay")

    assert scores.margin.tolist() == [0.75]
    assert scores.logit_rank.tolist() == scores.gumbel_rank.tolist() == [1.0]
    assert np.isnan(scores.surprise).all()
    assert scores.rival_possible is None


@pytest.mark.parametrize(
    ("params", "options", "message"),
    [
        (SamplingParams(), {"tail": "drop"}, "tail must be one of ignore, replay, not 'drop'"),
    ],
)
def test_what_cannot_be_scored_is_an_error(params: SamplingParams, options: dict[str, Any], message: str) -> None:
    """Parameters without an answer are refused with the reason."""
    with pytest.raises(InputError, match=message):
        score(TopKBatch.from_rows([ROW], [7]), params, **options)


def test_improper_rows_are_counted_and_scored() -> None:
    """A row with a mass above 1.01 is scored all the same, and counted."""
    scores = score(TopKBatch.from_rows([[(5, -0.1), (7, -0.2)], ROW], [7, 7]))

    assert scores.improper_rows == 1
    assert scores.margin.tolist() == pytest.approx([0.1, 0.75])
