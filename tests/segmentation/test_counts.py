"""Lengths by the provider's own count, in the way that ours are counted."""

from __future__ import annotations

import pytest

from token_difr.records import Response, TokenSequence
from token_difr.segmentation import default_requests, expected_lengths


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param([("stop", 5, 5), ("stop", 5, 6), ("length", 8, 8)], [5, 6, 8], id="ends are counted"),
        pytest.param([("stop", 5, 4), ("stop", 6, 5), ("stop", 6, 6), ("length", 8, 7)], [5, 6, 7, 7], id="not"),
        pytest.param([("stop", 5, None), ("length", 8, 8)], [None, 8], id="a count is missing"),
        pytest.param([("stop", 5, 9), ("stop", 5, 7), ("stop", 5, 12)], [None] * 3, id="another kind of count"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_expected_lengths(answers: list[tuple[str, int, int | None]], expected: list[int | None]) -> None:
    """One constant offset of the answers that stopped is the provider's way; where there is none, no count is believed."""
    sequences = {i: TokenSequence([1], [2] * tokens) for i, (_, tokens, _) in enumerate(answers)}
    responses = {
        i: Response(index=i, content="", finish_reason=reason, completion_tokens=counted)
        for i, (reason, _, counted) in enumerate(answers)
    }
    lengths = expected_lengths(responses, sequences)
    assert [lengths.get(i) for i in sequences] == expected


@pytest.mark.parametrize(("sequences", "requests"), [(5, 20), (200, 20), (1000, 100)])
def test_default_requests(sequences: int, requests: int) -> None:
    """A tenth, but never less than one answer may take."""
    assert default_requests(sequences) == requests
