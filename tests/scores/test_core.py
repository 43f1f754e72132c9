"""The native functions as Python meets them."""

from __future__ import annotations

import numpy as np
import pytest

from token_difr import _core


def test_the_stream_of_deals_is_pinned() -> None:
    """The deals of a seed are part of the interface: a verdict can be repeated."""
    table = np.array([[1.0, 0.5], [2.0, 0.5], [4.0, 0.5], [8.0, 0.5]])
    shuffled = _core.shuffled_sums(table, chosen=2, first=0, deals=6, seed=42)
    swapped = _core.swapped_sums(table, first=0, deals=6, seed=42)

    assert shuffled[:, 1].tolist() == [1.0] * 6
    assert shuffled[:, 0].tolist() == [10.0, 10.0, 10.0, 10.0, 5.0, 12.0]
    assert swapped[:, 0].tolist() == [7.0, 13.0, 15.0, 15.0, 3.0, 3.0]
    assert _core.shuffled_sums(table, chosen=2, first=4, deals=2, seed=42).tobytes() == shuffled[4:].tobytes()


def test_more_rows_than_there_are_are_an_error() -> None:
    """A deal cannot choose five of four."""
    with pytest.raises(ValueError, match="table has 4 entries, but chosen rows asks for 5"):
        _core.shuffled_sums(np.ones((4, 2)), chosen=5, first=0, deals=1, seed=0)


def test_no_rows_or_columns_give_nothing() -> None:
    """Zero rows: every sum is 0. Zero columns: none."""
    assert not _core.swapped_sums(np.ones((0, 2)), first=0, deals=3, seed=0).any()
    assert _core.shuffled_sums(np.ones((3, 0)), chosen=0, first=0, deals=3, seed=0).shape == (3, 0)
