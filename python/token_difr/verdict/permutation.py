"""One p-value from several statistics: a permutation test with the minimum over them.

**The idea.** If the candidate is served as the baseline is, nothing but chance has called one sequence "candidate" and
another "baseline": the labels may be dealt anew. Each deal gives the differences of all statistics again. What was seen is
then one of 1 + N equally likely deals, so the chance that it ranks among the k largest is k / (1 + N): a statistic's rank
from above is its p-value, whatever the distribution of its values. Labels are dealt to whole sequences, since tokens of
one sequence are not independent.

**Many statistics** (Westfall and Young, 1993, Resampling-Based Multiple Testing, single-step minP). The smallest of many
p-values is small by chance more often than any one of them. But every deal has a smallest p-value too: of its own ranks
among all deals. If nothing differs, what was seen is again one of 1 + N equally likely deals, now ordered by that smallest
p-value; the share of deals whose smallest is at most as small is the p-value of the whole comparison. So looking at many
statistics costs no extra false alarms, however they hang together. Nothing is assumed of how they do: a deal takes all
statistics of a sequence along. A statistic that a run has no positions for differs in no deal, and changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.verdict.sums import SequenceSums

__all__ = ["PermutationTest", "permutation_test"]

DEALS_AT_ONCE = 128  # bounds the memory: deals x sequences
ROUNDING = 12  # decimals; equal deals may differ by the order of their sums


class PermutationTest(NamedTuple):
    """The answer of :func:`permutation_test`.

    Attributes:
        p_value: Probability of a smallest p-value at most this small if nothing differed; one-sided (worse), but for
            the two-sided statistics.
        adjusted: float64[statistics]; the same for each statistic alone, adjusted for looking at all.
    """

    p_value: float
    adjusted: npt.NDArray[np.float64]


def permutation_test(
    candidate: SequenceSums, baseline: SequenceSums, *, permutations: int, seed: int
) -> PermutationTest:
    """Test whether the candidate's statistics are larger than the baseline's (or, two-sided, others).

    Args:
        candidate: The candidate's sums.
        baseline: The baseline's sums, of the same statistics.
        permutations: Number of deals beside the one that was seen: p-values are multiples of 1 / (1 + permutations).
        seed: Seed of the deals; the same seed gives the same answer.
    """
    differences = np.round(_dealt_differences(candidate, baseline, permutations, seed), ROUNDING)
    two_sided = [statistic.two_sided for statistic in candidate.statistics]
    differences[:, two_sided] = np.abs(differences[:, two_sided])
    p_values = np.stack([_ranks_from_above(column) for column in differences.T], axis=1)
    smallest = np.sort(p_values.min(axis=1))  # of every deal; the first row of p_values is what was seen
    adjusted = np.searchsorted(smallest, p_values[0], side="right") / len(smallest)
    return PermutationTest(float(adjusted.min()), adjusted)


def _dealt_differences(
    candidate: SequenceSums, baseline: SequenceSums, permutations: int, seed: int
) -> npt.NDArray[np.float64]:
    """float64[1 + permutations, statistics]: candidate minus baseline; the first row is what was seen."""
    tables = [np.concatenate([side.totals, side.weights], axis=1) for side in (candidate, baseline)]
    table = np.concatenate(tables)
    labels = np.zeros(len(table))
    labels[: len(tables[0])] = 1.0
    rng = np.random.Generator(np.random.Philox(seed))
    parts = [_differences(labels[None, :], table)]
    for start in range(0, permutations, DEALS_AT_ONCE):
        deals = np.tile(labels, (min(DEALS_AT_ONCE, permutations - start), 1))
        parts.append(_differences(rng.permuted(deals, axis=1), table))
    return np.concatenate(parts)


def _differences(deals: npt.NDArray[np.float64], table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The difference of the means in each deal; 0 where a deal leaves a side without positions.

    Args:
        deals: float64[deals, sequences]; 1 where a sequence is dealt to the candidate, else 0.
        table: float64[sequences, 2 * statistics]; totals, then weights.

    Returns:
        float64[deals, statistics], in the statistics' units.
    """
    ours = deals @ table  # with labels of 0 and 1 the product is the sum over the candidate's sequences
    theirs = table.sum(axis=0) - ours
    (our_totals, our_weights), (their_totals, their_weights) = np.hsplit(ours, 2), np.hsplit(theirs, 2)
    known = (our_weights > 0) & (their_weights > 0)
    differences = np.zeros_like(our_totals)
    differences[known] = our_totals[known] / our_weights[known] - their_totals[known] / their_weights[known]
    return differences


def _ranks_from_above(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For each value, the share of all values that are at least as large, itself included."""
    ordered = np.sort(values)
    return (len(values) - np.searchsorted(ordered, values, side="left")) / len(values)
