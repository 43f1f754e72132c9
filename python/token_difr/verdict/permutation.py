"""One p-value from several statistics: a permutation test with the minimum over them.

Under the hypothesis that the candidate is served as the baseline is, their sequences are exchangeable: the labels
"candidate" and "baseline" may be dealt anew. Each deal gives the differences of all statistics again; a statistic's
p-value is its rank among the deals, and the smallest of them is ranked once more against the smallest of every deal
(Westfall and Young, 1993, Resampling-Based Multiple Testing, single-step minP). So looking at many statistics costs
no extra false alarms, however they hang together. A statistic that a run has no positions for differs in no deal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.verdict.statistics import STATISTICS, TWO_SIDED, SequenceSums

__all__ = ["PERMUTATIONS", "PermutationTest", "permutation_test"]

PERMUTATIONS = 1999
TWO_SIDED_COLUMNS = [STATISTICS.index(name) for name in TWO_SIDED]
DEALS_AT_ONCE = 128  # bounds the memory: deals x sequences
ROUNDING = 12  # decimals; equal deals may differ by the order of their sums


class PermutationTest(NamedTuple):
    """The answer of :func:`permutation_test`.

    Attributes:
        p_value: Probability of a smallest p-value at most this small if nothing differed; one-sided (worse), but for
            the statistics in ``TWO_SIDED``.
        adjusted: float64[statistics]; the same for each statistic alone, adjusted for looking at all.
    """

    p_value: float
    adjusted: npt.NDArray[np.float64]


def permutation_test(candidate: SequenceSums, baseline: SequenceSums, *, seed: int) -> PermutationTest:
    """Test whether the candidate's statistics are larger than the baseline's, by ``PERMUTATIONS`` seeded deals."""
    differences = np.round(_dealt_differences(candidate, baseline, seed), ROUNDING)
    differences[:, TWO_SIDED_COLUMNS] = np.abs(differences[:, TWO_SIDED_COLUMNS])
    p_values = np.stack([_ranks_from_above(column) for column in differences.T], axis=1)
    smallest = np.sort(p_values.min(axis=1))
    adjusted = np.searchsorted(smallest, p_values[0], side="right") / len(smallest)
    return PermutationTest(float(adjusted.min()), adjusted)


def _dealt_differences(candidate: SequenceSums, baseline: SequenceSums, seed: int) -> npt.NDArray[np.float64]:
    """float64[1 + PERMUTATIONS, statistics]: candidate minus baseline; the first row is what was seen."""
    tables = [np.concatenate([side.totals, side.weights], axis=1) for side in (candidate, baseline)]
    table = np.concatenate(tables)
    labels = np.zeros(len(table))
    labels[: len(tables[0])] = 1.0
    rng = np.random.Generator(np.random.Philox(seed))
    parts = [_differences(labels[None, :], table)]
    for start in range(0, PERMUTATIONS, DEALS_AT_ONCE):
        deals = np.tile(labels, (min(DEALS_AT_ONCE, PERMUTATIONS - start), 1))
        parts.append(_differences(rng.permuted(deals, axis=1), table))
    return np.concatenate(parts)


def _differences(deals: npt.NDArray[np.float64], table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64[deals, statistics]: the difference of the means; 0 where a deal leaves a side without positions."""
    ours = deals @ table
    theirs = table.sum(axis=0) - ours
    (our_totals, our_weights), (their_totals, their_weights) = np.hsplit(ours, 2), np.hsplit(theirs, 2)
    known = (our_weights > 0) & (their_weights > 0)
    differences = np.zeros_like(our_totals)
    differences[known] = our_totals[known] / our_weights[known] - their_totals[known] / their_weights[known]
    return differences


def _ranks_from_above(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For each value, the share of all values that are at least as large."""
    ordered = np.sort(values)
    return (len(values) - np.searchsorted(ordered, values, side="left")) / len(values)
