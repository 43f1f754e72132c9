"""A candidate against a baseline: is the candidate worse, and if not, how much worse could it be?

* **divergent**: the permutation test's p-value lies below the rule's ``level``. Without a seed that is: differs.
* **consistent**: not divergent, at least the rule's ``fewest_sequences`` a side, and the one-sided 95 % upper bound of the
  loss in match rate lies under its ``tolerance``. Absence of evidence alone never makes a candidate consistent.
* **inconclusive**: all else. More prompts, or longer outputs, decide it. Without a seed to replay there is no match
  rate to bound, and *divergent* is the only other verdict.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from token_difr.errors import InputError
from token_difr.records import Comparison, Rule, Scores, StatisticComparison, Verdict
from token_difr.verdict.intervals import bootstrap_replicates, loss_upper_bound, percentile_interval
from token_difr.verdict.permutation import permutation_test
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import SequenceSums, sequence_sums

__all__ = ["compare", "compare_sums"]


def compare(
    candidate: Scores,
    baseline: Scores,
    *,
    level: float | None = None,
    seed: int | None = None,
    rule: Rule | None = None,
) -> Comparison:
    """Compare a candidate's scores with those of an honest run on other prompts of the same kind.

    The same prompts at temperature 0 would give the same tokens, and prove nothing: give the baseline its own.

    Args:
        candidate: Scores of the provider under audit.
        baseline: Scores of a provider that is trusted to serve the model.
        level: False-alarm rate of "divergent", in [0.001, 1); None = the rule's, 0.01 by default.
        seed: Seed of the permutations and of the bootstrap; the same seed gives the same answer. None = the rule's, 0 by
            default.
        rule: By which rule the candidate is judged; None = the default one.

    Raises:
        InputError: ``level`` or ``seed`` outside its range, see :class:`~token_difr.records.Rule`.
    """
    rule = Rule.of(rule, level=level, seed=seed)
    return compare_sums(sequence_sums(candidate), sequence_sums(baseline), rule)


def compare_sums(ours: SequenceSums, theirs: SequenceSums, rule: Rule) -> Comparison:
    """:func:`compare` from the sums a sequence, which are all that it looks at.

    Raises:
        InputError: The sides hold sums of different statistics.
    """
    if ours.statistics != theirs.statistics:
        raise InputError("the two sides hold sums of different statistics: sum both by the same ones")
    if ours.sequences == 0 or theirs.sequences == 0:
        return _undecidable(ours, theirs, rule)
    test = permutation_test(ours, theirs, permutations=rule.permutations, seed=rule.seed)
    # The two sides are drawn apart: a difference of independent draws scatters as one of independent audits.
    draws = [
        bootstrap_replicates(side, resamples=rule.resamples, seed=rule.seed + number)
        for number, side in enumerate((ours, theirs))
    ]
    replicates = draws[0] - draws[1]
    mismatch = ours.index(MISMATCH_RATE)
    bound = loss_upper_bound(ours, theirs, replicates[:, mismatch])
    statistics = _compared(ours, theirs, replicates, test.adjusted)
    deciding = min(statistics, key=lambda entry: entry.p_value, default=None)
    verdict, reason = _judged(test.p_value, deciding, bound, (ours, theirs), rule)
    return Comparison(
        verdict=verdict,
        reason=reason,
        p_value=test.p_value,
        match_loss=float((ours.means - theirs.means)[mismatch]),
        match_loss_upper=bound,
        sequences=(ours.sequences, theirs.sequences),
        statistics=statistics,
        deciding=None if deciding is None else deciding.name,
        rule=rule,
    )


def _compared(
    ours: SequenceSums, theirs: SequenceSums, replicates: npt.NDArray[np.float64], adjusted: npt.NDArray[np.float64]
) -> tuple[StatisticComparison, ...]:
    """Every statistic that both sides have positions for.

    Args:
        ours: The candidate's sums.
        theirs: The baseline's sums.
        replicates: float64[resamples, statistics]; the bootstrapped differences.
        adjusted: float64[statistics]; the adjusted p-values.
    """
    our_means, their_means = ours.means, theirs.means
    differences = our_means - their_means
    entries = []
    for s, statistic in enumerate(ours.statistics):
        if not np.isfinite(differences[s]):
            continue
        interval = percentile_interval(float(differences[s]), replicates[:, s])
        entries.append(
            StatisticComparison(
                name=statistic.name,
                unit=statistic.unit,
                gloss=statistic.gloss,
                two_sided=statistic.two_sided,
                candidate=float(our_means[s]),
                baseline=float(their_means[s]),
                difference=float(differences[s]),
                interval=(interval.low, interval.high),
                p_value=float(adjusted[s]),
            )
        )
    return tuple(entries)


def _judged(
    p_value: float,
    deciding: StatisticComparison | None,
    bound: float,
    sides: tuple[SequenceSums, SequenceSums],
    rule: Rule,
) -> tuple[Verdict, str]:
    """The verdict and its ground.

    Args:
        p_value: Of the permutation test.
        deciding: The statistic with the smallest adjusted p-value.
        bound: Upper bound of the loss in match rate, a share; NaN where nothing was replayed.
        sides: Candidate and baseline.
        rule: By which rule.
    """
    if p_value < rule.level and deciding is not None:
        differs = "differs from" if deciding.two_sided else "worse than"
        return (
            Verdict.DIVERGENT,
            f"{differs} the baseline, most of all in {deciding.name}: p = {p_value:.4f}, below {rule.level:g}",
        )
    if math.isnan(bound):
        return Verdict.INCONCLUSIVE, f"not shown to be worse (p = {p_value:.4f}), without a seed to replay"
    ours, theirs = (np.count_nonzero(side.decided) for side in sides)
    if min(ours, theirs) < rule.fewest_sequences:
        seen = f"{ours} against {theirs} in the baseline"
        needed = f"at least {rule.fewest_sequences} are needed on each side"
        return Verdict.INCONCLUSIVE, f"too few sequences: {seen}, {needed}"
    loss = f"the match rate may lie up to {100 * bound:.2f} points below the baseline's (95 % bound)"
    if bound < rule.tolerance:
        return Verdict.CONSISTENT, f"no worse than the baseline (p = {p_value:.4f}), and {loss}"
    return Verdict.INCONCLUSIVE, f"not shown to be worse (p = {p_value:.4f}), but {loss}: more prompts would decide"


def _undecidable(ours: SequenceSums, theirs: SequenceSums, rule: Rule) -> Comparison:
    side = "candidate" if ours.sequences == 0 else "baseline"
    return Comparison(
        verdict=Verdict.INCONCLUSIVE,
        reason=f"the {side} has no token that could be compared",
        p_value=math.nan,
        match_loss=math.nan,
        match_loss_upper=math.nan,
        sequences=(ours.sequences, theirs.sequences),
        statistics=(),
        deciding=None,
        rule=rule,
    )
