"""Losses of tokens that were drawn at random."""

from __future__ import annotations

import math

import pytest

from token_difr.records import TopKBatch
from token_difr.segmentation import LARGEST_LOSS, LIKELIHOOD


@pytest.mark.parametrize(
    ("row", "claimed", "logprob", "loss"),
    [
        pytest.param([(7, -0.5), (8, -2.0)], 8, math.nan, 2.0, id="in the row"),
        pytest.param([(7, -0.5), (8, -2.0)], 9, -6.0, 6.0, id="told outside it"),
        pytest.param([(7, -0.5), (8, -2.0)], 9, math.nan, 2.0, id="unknown: as the row's last"),
        pytest.param([(7, 0.0)], 7, math.nan, 0.0, id="certain"),
        pytest.param([(7, -0.5), (8, -math.inf)], 8, math.nan, LARGEST_LOSS, id="impossible"),
        pytest.param(None, 9, math.nan, LARGEST_LOSS, id="no row"),
    ],
)
def test_likelihood(row: list[tuple[int, float]] | None, claimed: int, logprob: float, loss: float) -> None:
    """-ln p, where it is known; the least that it can be where it is not."""
    rows = TopKBatch.from_rows([row], [claimed], claimed_logprob=[logprob])
    assert LIKELIHOOD.losses(0, rows).tolist() == pytest.approx([loss])
