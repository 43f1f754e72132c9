"""A candidate against a baseline: is the candidate worse, and if not, how much worse could it be?

* **divergent**: the permutation test's p-value lies below ``level``. Without a seed that is: differs.
* **consistent**: not divergent, at least 30 sequences a side, and the one-sided 95 % upper bound of the loss in
  match rate lies under 2 points. Absence of evidence alone never makes a candidate consistent.
* **inconclusive**: all else. More prompts, or longer outputs, decide it. Without a seed to replay there is no match
  rate to bound, and *divergent* is the only other verdict.
"""

from __future__ import annotations

import math

import numpy as np

from token_difr.errors import InputError
from token_difr.records import Comparison, Estimate, Scores, StatisticComparison, Verdict
from token_difr.verdict.intervals import MISMATCH_COLUMN, bootstrap_replicates, loss_upper_bound, percentile_interval
from token_difr.verdict.permutation import PERMUTATIONS, PermutationTest, permutation_test
from token_difr.verdict.statistics import STATISTICS, TWO_SIDED, SequenceSums, sequence_sums

__all__ = [
    "FEWEST_SEQUENCES",
    "LARGEST_LOSS",
    "compare",
    "compare_sums",
]

FEWEST_SEQUENCES = 30
LARGEST_LOSS = 0.02
LOWEST_LEVEL = 2 / (1 + PERMUTATIONS)  # p-values are multiples of half of it
LARGEST_SEED = 2**63 - 2  # the baseline's bootstrap takes the next one


def compare(candidate: Scores, baseline: Scores, *, level: float = 0.01, seed: int = 0) -> Comparison:
    """Compare a candidate's scores with those of an honest run on other prompts of the same kind.

    The same prompts at temperature 0 would give the same tokens, and prove nothing: give the baseline its own.

    Args:
        candidate: Scores of the provider under audit.
        baseline: Scores of a provider that is trusted to serve the model.
        level: False-alarm rate of "divergent", in [0.001, 1).
        seed: Seed of the permutations and of the bootstrap; the same seed gives the same answer.

    Raises:
        InputError: ``level`` below 1/1000 or not below 1, or ``seed`` below 0 or above 2^63 - 2.
    """
    return compare_sums(sequence_sums(candidate), sequence_sums(baseline), level=level, seed=seed)


def check_level(level: float) -> None:
    """Whether the permutations can tell p-values below ``level``.

    Raises:
        InputError: They cannot, or it is no rate.
    """
    if not LOWEST_LEVEL <= level < 1:
        raise InputError(
            f"level must lie in [{LOWEST_LEVEL:g}, 1), the least that the permutations tell, not {level!r}"
        )


def compare_sums(ours: SequenceSums, theirs: SequenceSums, *, level: float, seed: int) -> Comparison:
    """:func:`compare` from the sums a sequence, which are all that it looks at."""
    check_level(level)
    if not 0 <= seed <= LARGEST_SEED:
        raise InputError(f"seed must lie between 0 and {LARGEST_SEED}, not {seed!r}")
    if ours.sequences == 0 or theirs.sequences == 0:
        return _undecidable(ours, theirs, level)
    test = permutation_test(ours, theirs, seed=seed)
    replicates = bootstrap_replicates(ours, seed=seed) - bootstrap_replicates(theirs, seed=seed + 1)
    bound = loss_upper_bound(ours, theirs, replicates[:, MISMATCH_COLUMN])
    verdict, reason = _judge(test, level, bound, ours, theirs)
    differences = ours.means - theirs.means
    return Comparison(
        verdict=verdict,
        reason=reason,
        p_value=test.p_value,
        level=level,
        match_loss=float(differences[MISMATCH_COLUMN]),
        match_loss_upper=bound,
        sequences=(ours.sequences, theirs.sequences),
        statistics=tuple(
            StatisticComparison(
                name=name,
                candidate=float(ours.means[s]),
                baseline=float(theirs.means[s]),
                difference=float(differences[s]),
                interval=_ends(percentile_interval(float(differences[s]), replicates[:, s])),
                p_value=float(test.adjusted[s]),
            )
            for s, name in enumerate(STATISTICS)
            if np.isfinite(differences[s])
        ),
    )


def _judge(
    test: PermutationTest, level: float, bound: float, ours: SequenceSums, theirs: SequenceSums
) -> tuple[Verdict, str]:
    p_value = test.p_value
    if p_value < level:
        name = STATISTICS[int(test.adjusted.argmin())]
        differs = "differs from" if name in TWO_SIDED else "worse than"
        return Verdict.DIVERGENT, f"{differs} the baseline, most of all in {name}: p = {p_value:.4f}, below {level:g}"
    if math.isnan(bound):
        return Verdict.INCONCLUSIVE, f"not shown to be worse (p = {p_value:.4f}), without a seed to replay"
    fewest, others = np.count_nonzero(ours.decided), np.count_nonzero(theirs.decided)
    if min(fewest, others) < FEWEST_SEQUENCES:
        seen = f"{fewest} against {others} in the baseline"
        return Verdict.INCONCLUSIVE, f"too few sequences: {seen}, at least {FEWEST_SEQUENCES} are needed on each side"
    loss = f"the match rate may lie up to {100 * bound:.2f} points below the baseline's (95 % bound)"
    if bound < LARGEST_LOSS:
        return Verdict.CONSISTENT, f"no worse than the baseline (p = {p_value:.4f}), and {loss}"
    return Verdict.INCONCLUSIVE, f"not shown to be worse (p = {p_value:.4f}), but {loss}: more prompts would decide"


def _undecidable(ours: SequenceSums, theirs: SequenceSums, level: float) -> Comparison:
    side = "candidate" if ours.sequences == 0 else "baseline"
    return Comparison(
        verdict=Verdict.INCONCLUSIVE,
        reason=f"the {side} has no token that could be compared",
        p_value=math.nan,
        level=level,
        match_loss=math.nan,
        match_loss_upper=math.nan,
        sequences=(ours.sequences, theirs.sequences),
        statistics=(),
    )


def _ends(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high
