"""P-values of several tests together.

*Holm* keeps the chance of any false alarm among all of them at the level, whatever their dependence: the k-th smallest of m is
multiplied by m + 1 - k, and none is smaller than one before it. *Benjamini and Hochberg* keep the expected share of false alarms
among all alarms: the k-th smallest is multiplied by m / k, and none is larger than one behind it.

References:
    Holm, S. (1979): A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 65.
    Benjamini, Y. and Hochberg, Y. (1995): Controlling the false discovery rate. JRSS B 57, 289.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["benjamini_hochberg", "holm"]

Floats = npt.NDArray[np.float64]


def holm(p_values: npt.ArrayLike) -> Floats:
    """float64[n]: the adjusted p-values, each at most 1; what lies below the level is an alarm."""
    given = np.asarray(p_values, np.float64)
    order = np.argsort(given, kind="stable")
    factors = len(given) - np.arange(len(given))
    return _placed(np.maximum.accumulate(given[order] * factors), order)


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """float64[n]: the adjusted p-values, each at most 1; what lies below the level is an alarm."""
    given = np.asarray(p_values, np.float64)
    order = np.argsort(given, kind="stable")
    scaled = given[order] * len(given) / np.arange(1, len(given) + 1)
    return _placed(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _placed(adjusted: Floats, order: npt.NDArray[np.int64]) -> Floats:
    back = np.empty_like(adjusted)
    back[order] = np.minimum(adjusted, 1.0)
    return back
