"""What rows say beside the scores."""

from __future__ import annotations

import math

import numpy as np
import pytest

from token_difr import TopKBatch
from token_difr.verdict import row_facts


def batch(tops: list[int], claimed: list[int], offsets: list[int], prompts: list[int]) -> TopKBatch:
    """Rows whose likeliest token is as given; -1 = no row."""
    rows = [None if top < 0 else [(top, -0.5), (top + 100, -1.5)] for top in tops]
    return TopKBatch.from_rows(rows, claimed=claimed, sequence_indptr=offsets, prompt_lengths=prompts)


@pytest.mark.parametrize(
    ("tops", "rates"),
    [
        ([1, 2, 3, 4, 5, 6], (0.0, 1.0, 0.0)),
        ([2, 3, 9, 5, 6, 9], (0.0, 0.0, 1.0)),
        ([9, 1, 2, 9, 4, 5], (1.0, 0.0, 0.0)),
        ([1, -1, 3, 4, 5, 6], (0.0, 1.0, 0.0)),
    ],
)
def test_matches_where_rows_are_moved(tops: list[int], rates: tuple[float, float, float]) -> None:
    """Within each answer; a row of the next token's is found at +1, one of the last token's at -1."""
    assert row_facts(batch(tops, [1, 2, 3, 4, 5, 6], [0, 3, 6], [7, 8])).shift_matches == rates


def test_first_rows_and_prompts() -> None:
    """NaN where an answer is empty, or its first row is not there."""
    facts = row_facts(batch([1, 2, -1], [1, 2, 3], [0, 2, 2, 3], [7, 8, 9]))
    entropy = 0.5 * math.exp(-0.5) + 1.5 * math.exp(-1.5)

    assert facts.prompt_tokens.tolist() == [7, 8, 9]
    assert facts.first_logprob[0] == pytest.approx(-0.5)
    assert facts.first_entropy[0] == pytest.approx(entropy)
    assert np.isnan(facts.first_logprob[1:]).all()
