"""How many requests a repair may cost."""

from __future__ import annotations

import pytest

from token_difr.segmentation import default_requests


@pytest.mark.parametrize(("sequences", "requests"), [(5, 20), (200, 20), (1000, 100)])
def test_default_requests(sequences: int, requests: int) -> None:
    """A tenth, but never less than one answer may take."""
    assert default_requests(sequences) == requests
