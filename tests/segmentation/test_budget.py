"""How many requests a repair may cost."""

from __future__ import annotations

import pytest

from token_difr.segmentation import default_requests


@pytest.mark.parametrize(
    ("sequences", "greedy", "requests"),
    [(5, True, 20), (5, False, 20), (200, True, 20), (200, False, 100), (1000, True, 100), (1000, False, 500)],
)
def test_default_requests(sequences: int, *, greedy: bool, requests: int) -> None:
    """A tenth at temperature 0 and half above, but never less than one answer may take."""
    assert default_requests(sequences, greedy=greedy) == requests
