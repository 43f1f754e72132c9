"""What a difference is as large as: the nearest of some deviations that were measured.

A benign change diverges too: another precision of honest weights, another kernel. A p-value does not tell it from a fault,
only its size does. So a divergent candidate is placed beside deviations of known size, by how much it lies above its
baseline in three statistics: the logarithms of these differences are compared, since sizes span decades.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from token_difr.records import StatisticComparison
from token_difr.verdict.deviation_table import LOOKED_AT, known_table

__all__ = ["LOOKED_AT", "UNKNOWN", "as_large_as"]

UNKNOWN = "unknown"
SMALLEST = 1e-4  # shares; what is smaller, or no difference at all, is taken as this
FARTHEST = math.log(2)  # root mean square over the statistics: within a factor of 2


def as_large_as(statistics: Iterable[StatisticComparison]) -> str:
    """The name of the nearest known deviation; ``UNKNOWN`` where none lies within a factor of two, or nothing matched."""
    found = {entry.name: entry.difference for entry in statistics}
    if not all(name in found for name in LOOKED_AT):
        return UNKNOWN
    distances = {each["name"]: _distance(found, each) for each in _known()}
    nearest = min(distances, key=lambda name: distances[name])
    return nearest if distances[nearest] <= FARTHEST else UNKNOWN


def _distance(found: dict[str, float], deviation: dict[str, Any]) -> float:
    logs = [math.log(max(found[name], SMALLEST) / max(deviation[name], SMALLEST)) for name in LOOKED_AT]
    return math.sqrt(sum(log**2 for log in logs) / len(logs))


def _known() -> list[dict[str, Any]]:
    """Those of answers at temperature 0, each with its name and the size of each statistic."""
    table = known_table()
    return [
        {"name": f"{each.name} on {table.model}", **{name: each.statistics[name].mean for name in LOOKED_AT}}
        for each in table.of("greedy")
    ]
