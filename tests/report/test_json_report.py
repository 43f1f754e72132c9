"""The JSON report: strict, and the same decision when read back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from token_difr import InputError, Scores
from token_difr.report import decision_from_json, decision_to_json
from token_difr.verdict import decide


def scores_of(seed: int, rate: float) -> Scores:
    """40 sequences of 16 tokens."""
    rng = np.random.default_rng(seed)
    margin = np.where(rng.random(640) < rate, rng.exponential(0.5, 640), 0.0).astype(np.float32)
    return Scores.from_margins(margin, np.arange(0, 641, 16), prob=np.exp(-margin), logit_rank=np.sign(margin))


def test_a_decision_survives_the_round_trip_through_strict_json() -> None:
    """With and without a baseline."""
    for baseline in (None, scores_of(1, 0.02)):
        decision = decide(scores_of(0, 0.05), baseline)
        text = json.dumps(decision_to_json(decision), allow_nan=False)

        assert decision_from_json(json.loads(text)) == decision


def test_what_is_not_a_number_is_null() -> None:
    """A run without tokens has no rate; JSON has no NaN."""
    report = decision_to_json(decide(Scores.from_margins(np.empty(0, np.float32), np.array([0]))))

    json.dumps(report, allow_nan=False)
    assert report["summary"]["exact_match_rate"] == [None, None, None]


def test_what_is_no_report_is_refused() -> None:
    """Another format, and a report that lacks a field."""
    report = decision_to_json(decide(scores_of(0, 0.05)))

    with pytest.raises(InputError, match="has format 0"):
        decision_from_json({**report, "format": 0})
    with pytest.raises(InputError, match="damaged"):
        decision_from_json({**report, "summary": {}})
