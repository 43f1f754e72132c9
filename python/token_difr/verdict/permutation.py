"""One p-value from several statistics: a permutation test with the minimum over them.

**The idea.** If the candidate is served as the baseline is, nothing but chance has called one sequence "candidate" and
another "baseline": the labels may be dealt anew. Each deal gives the differences of all statistics again. What was seen is
then one of 1 + N equally likely deals, so the chance that it ranks among the k largest is k / (1 + N): a statistic's rank
from above is its p-value, whatever the distribution of its values. Labels are dealt to whole sequences, since tokens of
one sequence are not independent. Of answers to the same prompts, the two labels of each pair are exchanged or not: what the
prompt itself does is on both sides of every deal, and takes no part in the difference. Few pairs have few such deals, 2^n: of
eight, the smallest p-value that could be seen would be 1 / 256, and no statistic could show more. So below ``FEWEST_PAIRS``
labels are dealt to all answers, as if the prompts differed. What prompts do to both sides then spreads the deals further
than what was seen, which makes false alarms rarer, not commoner.

**Many statistics** (Westfall and Young, 1993, Resampling-Based Multiple Testing, single-step minP). The smallest of many
p-values is small by chance more often than any one of them. But every deal has a smallest p-value too: of its own ranks
among all deals. If nothing differs, what was seen is again one of 1 + N equally likely deals, now ordered by that smallest
p-value; the share of deals whose smallest is at most as small is the p-value of the whole comparison. So looking at many
statistics costs no extra false alarms, however they hang together. Nothing is assumed of how they do: a deal takes all
statistics of a sequence along. A statistic that a run has no positions for differs in no deal, and changes nothing.

**Capped forms** (winsorizing). A few answers that part early add more than all others together, and drown small
differences. In its capped form a statistic's total of each sequence is at most the 95 % quantile over both sides. The
quantile does not know the labels, so it is the same in every deal and the test stays exact. Both forms are tested.

**How many deals.** A p-value from N deals is itself uncertain by about sqrt(p / N). Where its 99 % interval holds the
level, so that another seed could have come to the other side, more deals are dealt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr import _core
from token_difr.records import Rule
from token_difr.verdict.intervals import wilson
from token_difr.verdict.positions import Flags, Floats
from token_difr.verdict.sums import SequenceSums

__all__ = ["CAP_QUANTILE", "FEWEST_PAIRS", "PermutationTest", "Sums", "label_test", "permutation_test"]

FEWEST_PAIRS = 12
"""Pairs from which on labels are exchanged within pairs: 4,096 deals, of which the level of 1 % is some forty."""

ROUNDING = 12  # decimals; equal deals may differ by the order of their sums
CAP_QUANTILE = 0.95
Z_TWO_SIDED_99 = 2.5758293035489004  # the standard normal's 99.5 % quantile


class PermutationTest(NamedTuple):
    """The answer of :func:`permutation_test`.

    Attributes:
        p_value: Probability of a smallest p-value at most this small if nothing differed; one-sided (worse), but for
            the two-sided statistics.
        adjusted: float64[statistics]; the same for each statistic alone, adjusted for looking at all. Of a statistic with
            a capped form, that of the form which shows more.
        effects: float64[statistics]; the difference that was seen over its standard deviation among the deals, without
            unit; 0 where nothing can differ.
        deals: How many deals the p-values rest on, what was seen included.
        smallest: The smallest p-value of any form by itself, not adjusted; ``p_value`` is never smaller.
    """

    p_value: float
    adjusted: Floats
    effects: Floats
    deals: int
    smallest: float


class Sums(NamedTuple):
    """One side's sums.

    Attributes:
        totals: float64[sequences, columns]; of each column's values, in its unit.
        weights: float64[sequences, columns]; how much counts, each column's denominator.
    """

    totals: Floats
    weights: Floats


def permutation_test(
    candidate: SequenceSums, baseline: SequenceSums, *, rule: Rule, paired: bool = False
) -> PermutationTest:
    """Test whether the candidate's statistics are larger than the baseline's (or, two-sided, others).

    Args:
        candidate: The candidate's sums.
        baseline: The baseline's sums, of the same statistics.
        rule: Its seed and its numbers of deals: p-values are multiples of 1 / (1 + deals). Its level says where more are
            needed.
        paired: Whether row i of both sides is the same prompt, so that labels are exchanged within rows, if they are enough.
    """
    sides = (Sums(candidate.totals, candidate.weights), Sums(baseline.totals, baseline.weights))
    two_sided = np.array([statistic.two_sided for statistic in candidate.statistics], np.bool_)
    capped = np.array([statistic.capped for statistic in candidate.statistics], np.bool_)
    return label_test(*sides, two_sided=two_sided, capped=capped, rule=rule, paired=paired)


def label_test(
    ours: Sums, theirs: Sums, *, two_sided: Flags, capped: Flags, rule: Rule, paired: bool = False
) -> PermutationTest:
    """The same of any columns of sums, whatever they are sums of.

    Args:
        ours: The candidate's.
        theirs: The baseline's, of the same columns.
        two_sided: bool[columns]; whether a difference in either direction counts, not larger values alone.
        capped: bool[columns]; whether the capped form is tested too.
        rule: As above.
        paired: As above.
    """
    forms = _forms(ours, theirs, two_sided, capped)
    columns = len(two_sided)
    if not forms.statistics.size:
        return PermutationTest(1.0, np.ones(columns), np.zeros(columns), 1, 1.0)
    swapped = paired and len(ours.totals) >= FEWEST_PAIRS
    dealer = _Dealer(forms, (ours.weights, theirs.weights), paired=swapped, seed=rule.seed)
    differences = np.concatenate([dealer.seen(), dealer.dealt(0, rule.permutations)])
    test = _ranked(differences, forms, columns)
    low, high = wilson(test.p_value, test.deals, z=Z_TWO_SIDED_99)
    if low < rule.level < high and rule.most_permutations > rule.permutations:
        more = dealer.dealt(rule.permutations, rule.most_permutations - rule.permutations)
        test = _ranked(np.concatenate([differences, more]), forms, columns)
    return test


@dataclass(frozen=True, slots=True)
class _Forms:
    """The statistics as they are tested: plain ones, then capped ones.

    Attributes:
        statistics: int64[forms]; the column of each form's statistic.
        two_sided: bool[forms].
        totals: float64[sequences, forms] of the candidate and of the baseline.
    """

    statistics: npt.NDArray[np.int64]
    two_sided: Flags
    totals: tuple[Floats, Floats]


def _forms(ours: Sums, theirs: Sums, two_sided: Flags, capped: Flags) -> _Forms:
    """All forms that can differ: both sides have what counts, and not all totals are 0."""
    split = len(ours.totals)
    totals = np.concatenate([ours.totals, theirs.totals])
    weights = np.concatenate([ours.weights, theirs.weights])
    known = ours.weights.any(axis=0) & theirs.weights.any(axis=0) & totals.any(axis=0)
    plain, with_cap = np.flatnonzero(known), np.flatnonzero(known & capped)
    counting = np.where(weights[:, with_cap] > 0, totals[:, with_cap], np.nan)
    both = np.concatenate([totals[:, plain], np.minimum(totals[:, with_cap], _caps(counting))], axis=1)
    columns = np.concatenate([plain, with_cap])
    return _Forms(columns, two_sided[columns], (both[:split], both[split:]))


def _caps(counting: Floats) -> Floats:
    """float64[columns]: the quantile of each column's totals, where they count; NaN stands where they do not."""
    if not counting.size:
        return np.zeros(counting.shape[1])
    quantile = np.quantile if np.isfinite(counting).all() else np.nanquantile
    caps: Floats = quantile(counting, CAP_QUANTILE, axis=0)
    return caps


class _Dealer:
    """Deals labels, and tells the differences of the means that each deal gives.

    Columns of the tables are the forms' totals, then their weights, of which statistics of the same positions share one.
    """

    def __init__(self, forms: _Forms, weights: tuple[Floats, Floats], *, paired: bool, seed: int) -> None:
        split = len(weights[0])
        shared, self._weight_of = _distinct(np.concatenate(weights)[:, forms.statistics])
        self._tables = [
            np.ascontiguousarray(np.concatenate([totals, part], axis=1))
            for totals, part in zip(forms.totals, (shared[:split], shared[split:]), strict=True)
        ]
        self._sums = [table.sum(axis=0) for table in self._tables]
        self._two_sided, self._paired, self._seed = forms.two_sided, paired, seed

    def seen(self) -> Floats:
        """float64[1, forms]: candidate minus baseline, as it was."""
        return self._differences(self._sums[0][None, :])

    def dealt(self, first: int, deals: int) -> Floats:
        """float64[deals, forms]: the same under the deals from number ``first`` on."""
        ours, theirs = self._tables
        if not self._paired:
            both = np.concatenate([ours, theirs])
            return self._differences(_core.shuffled_sums(both, len(ours), first, deals, self._seed))
        moved = _core.swapped_sums(theirs - ours, first, deals, self._seed)
        return self._differences(self._sums[0] + moved)

    def _differences(self, ours: Floats) -> Floats:
        """The differences of the means, sizes where two-sided; 0 where a deal leaves a side without what counts."""
        theirs = self._sums[0] + self._sums[1] - ours
        forms = len(self._two_sided)
        our_weights, their_weights = (side[:, forms:][:, self._weight_of] for side in (ours, theirs))
        known = (our_weights > 0) & (their_weights > 0)
        differences = np.zeros_like(our_weights)
        np.divide(ours[:, :forms], our_weights, out=differences, where=known)
        differences[known] -= theirs[:, :forms][known] / their_weights[known]
        differences = np.round(differences, ROUNDING)
        differences[:, self._two_sided] = np.abs(differences[:, self._two_sided])
        return differences


def _distinct(weights: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The columns that differ from each other, in their order, and which of them each column is."""
    numbers: dict[bytes, int] = {}
    which = np.array([numbers.setdefault(column.tobytes(), len(numbers)) for column in weights.T], np.int64)
    first = np.unique(which, return_index=True)[1]
    return weights[:, first], which


def _ranked(differences: Floats, forms: _Forms, statistics: int) -> PermutationTest:
    """The test from the differences of all deals, float64[deals, forms], what was seen first."""
    deals = len(differences)
    adjusted, effects = np.ones(statistics), np.zeros(statistics)
    p_values = np.stack([_ranks_from_above(column) for column in differences.T], axis=1)
    smallest = np.sort(p_values.min(axis=1))
    of_forms = np.searchsorted(smallest, p_values[0], side="right") / deals
    np.minimum.at(adjusted, forms.statistics, of_forms)
    # A two-sided form is a size here: its deviation is taken around 0.
    scatter = np.sqrt(np.mean(differences**2, axis=0))
    seen = np.divide(differences[0], scatter, out=np.zeros(len(scatter)), where=scatter > 0)
    np.maximum.at(effects, forms.statistics, seen)
    return PermutationTest(
        float(adjusted.min(initial=1.0)), adjusted, effects, deals, float(p_values[0].min(initial=1.0))
    )


def _ranks_from_above(values: Floats) -> Floats:
    """For each value, the share of all values that are at least as large, itself included."""
    ordered = np.sort(values)
    return (len(values) - np.searchsorted(ordered, values, side="left")) / len(values)
