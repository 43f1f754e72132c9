"""The ranges of gaps in which ties are counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["gap_ranges"]

EDGES = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, np.inf)
"""Nats."""


def gap_ranges(gaps: npt.NDArray[np.float64]) -> Iterator[tuple[float, float | None, npt.NDArray[np.bool_]]]:
    """The ranges that hold a tie: least gap, the gap that is above all (None = there is none), and which ties lie between."""
    for low, high in itertools.pairwise(EDGES):
        inside = (gaps >= low) & (gaps < high)
        if inside.any():
            yield low, None if np.isinf(high) else high, inside
