"""The exact bound on wholly misserved requests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from token_difr import Scores
from token_difr.records import Verdict
from token_difr.verdict import compare
from token_difr.verdict.misserved import misserved
from token_difr.verdict.sums import sequence_sums


def answers(count: int, wrong: int) -> Scores:
    """Answers of 64 tokens: so many mismatch in 36 of them, and all others not at all."""
    margin = np.where(np.arange(64) < 36, np.arange(count)[:, None] < wrong, 0.0).astype(np.float32).ravel()
    return Scores.from_margins(margin, np.arange(0, 64 * count + 1, 64))


@pytest.mark.parametrize(("count", "wrong"), [(149, 0), (30, 0), (150, 1), (150, 3), (20, 20)])
def test_the_bound_is_where_chance_has_five_percent(count: int, wrong: int) -> None:
    """The sum of the binomial probabilities up to what was seen."""
    found = misserved(sequence_sums(answers(count, wrong)), sequence_sums(answers(200, 0)))
    share = found.upper

    assert found.count == wrong
    chance = sum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(wrong + 1))
    assert chance == pytest.approx(0.05 if wrong < count else 1.0, rel=1e-6)


def test_one_misserved_answer_among_150_is_not_consistent() -> None:
    """Three in a hundred could be; of 300 answers one says that less than two in a hundred are."""
    assert compare(answers(150, 0), answers(150, 0)).verdict is Verdict.CONSISTENT
    comparison = compare(answers(150, 1), answers(150, 0))
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert "1 of 150 answers mismatch in more than half" in comparison.reason
    assert compare(answers(300, 1), answers(300, 0)).verdict is Verdict.CONSISTENT
