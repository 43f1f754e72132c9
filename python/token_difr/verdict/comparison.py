"""A candidate against a baseline: is the candidate worse, and if not, how much worse could it be?

* **divergent**: the permutation test's p-value lies below the rule's ``level``. It says by how much, and what that is as
  large as: a benign change of precision diverges too. Without a seed, or in two-sided statistics, that is: differs.
* **consistent**: not divergent; the one-sided 95 % upper bound of the loss in match rate lies under the rule's
  ``tolerance``; as many sequences on each side as that tolerance asks for; and at least half of the candidate's tokens
  compared. Absence of evidence alone never makes a candidate consistent.
* **inconclusive**: all else. First of all where the comparison could show nothing (:mod:`~token_difr.verdict.assay`) or
  would show the prompts (:mod:`~token_difr.verdict.prompt_mix`), then where more prompts, or longer outputs, decide it.
  Without a seed to replay there is no match rate to bound, and *divergent* is the only other verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from token_difr.errors import InputError
from token_difr.records import Comparison, Rule, Scores, StatisticComparison
from token_difr.verdict.assay import check_comparable, doubts
from token_difr.verdict.intervals import difference_interval, interval, loss_upper_bound, margin_ratio_upper
from token_difr.verdict.judgment import Evidence, judged
from token_difr.verdict.known_deviations import as_large_as
from token_difr.verdict.matching import Matched, match
from token_difr.verdict.misserved import misserved
from token_difr.verdict.permutation import PermutationTest, permutation_test
from token_difr.verdict.prompt_mix import ACCUSATION, SAME_MIX, PromptMix, prompt_mix
from token_difr.verdict.rows import RowFacts
from token_difr.verdict.statistics import MISMATCH_RATE
from token_difr.verdict.sums import SequenceSums

__all__ = ["SideRows", "compare", "compare_matched"]


@dataclass(frozen=True, slots=True)
class SideRows:
    """What the reference's rows say of both sides beside the scores.

    Attributes:
        candidate: Of the candidate's rows.
        baseline: Of the baseline's rows.
    """

    candidate: RowFacts
    baseline: RowFacts


def compare(
    candidate: Scores,
    baseline: Scores,
    *,
    level: float | None = None,
    seed: int | None = None,
    rule: Rule | None = None,
    pairs: npt.NDArray[np.int64] | None = None,
    rows: SideRows | None = None,
) -> Comparison:
    """Compare a candidate's scores with those of an honest run.

    Best on the same prompts, which pair the answers: what a prompt does to everybody cancels out. On other prompts of the
    same kind the answers are cut to like lengths first (:mod:`~token_difr.verdict.matching`).

    Args:
        candidate: Scores of the provider under audit.
        baseline: Scores of a provider that is trusted to serve the model.
        level: False-alarm rate of "divergent", in [0.0002, 1); None = the rule's, 0.01 by default.
        seed: Seed of the permutations; the same seed gives the same answer. None = the rule's, 0 by default.
        rule: By which rule the candidate is judged; None = the default one.
        pairs: int64[n, 2]; indexes (candidate, baseline) of the sequences with the same prompt. None = the prompts differ.
        rows: What the rows say beside the scores: whether they are off by one, and of which kind the prompts are. None =
            not known.

    Raises:
        InputError: ``level`` or ``seed`` outside its range, see :class:`~token_difr.records.Rule`; ``pairs`` that do not
            fit; one side replayed and the other not.
    """
    rule = Rule.of(rule, level=level, seed=seed)
    check_comparable(candidate, baseline)
    candidate, baseline = _withheld_alike(candidate, baseline)
    matched = match(candidate, baseline, pairs)
    doubt = next(doubts(candidate, baseline, rule, None if rows is None else rows.baseline), None)
    mix = prompt_mix(rows.candidate, rows.baseline, rule) if rows is not None and pairs is None else SAME_MIX
    return compare_matched(
        matched, rule, doubt=doubt, mix=mix, unread=_share_unread(candidate) - _share_unread(baseline)
    )


def compare_matched(
    matched: Matched, rule: Rule, *, doubt: str | None = None, mix: PromptMix = SAME_MIX, unread: float = 0.0
) -> Comparison:
    """:func:`compare` from the sums a sequence, which are all that it looks at.

    Args:
        matched: Both sides.
        rule: By which rule.
        doubt: Why the comparison can show nothing; None where nothing speaks against it.
        mix: How the prompts differ.
        unread: By what share of the answers the reference could read fewer of the candidate's than of the baseline's.

    Raises:
        InputError: The sides hold sums of different statistics.
    """
    ours, theirs = matched.candidate, matched.baseline
    if ours.statistics != theirs.statistics:
        raise InputError("the two sides hold sums of different statistics: sum both by the same ones")
    test = permutation_test(ours, theirs, rule=rule, paired=matched.paired)
    statistics = _compared(ours, theirs, test)
    deciding = _deciding(statistics, test, ours)
    # Easier prompts than the baseline's would have had fewer mismatches: so many more may a loss have than it shows.
    hidden = (mix.factor - 1) * ours.mismatch_rate if mix.p_value < rule.level else 0.0
    bound = float(np.minimum(1.0, loss_upper_bound(ours, theirs) + hidden))
    evidence = Evidence(
        matched=matched,
        p_value=test.p_value if statistics else math.nan,
        deciding=deciding,
        mismatch=next((entry for entry in statistics if entry.name == MISMATCH_RATE.name), None),
        bound=bound,
        margin_ratio=margin_ratio_upper(ours, theirs),
        as_large_as=as_large_as(statistics),
        mix=mix,
        hidden=hidden,
        beyond_mix=_beyond_mix(matched, mix, rule) if test.p_value < rule.level else 1.0,
        misserved=misserved(ours, theirs),
        unread=unread,
    )
    verdict, reason = judged(evidence, rule, doubt)
    return Comparison(
        verdict=verdict,
        reason=reason,
        p_value=evidence.p_value,
        match_loss=float((ours.means - theirs.means)[ours.index(MISMATCH_RATE)]),
        match_loss_upper=bound,
        margin_ratio_upper=evidence.margin_ratio,
        as_large_as=evidence.as_large_as if verdict == "divergent" else None,
        paired=matched.paired,
        sequences=(ours.sequences, theirs.sequences),
        tokens=matched.tokens,
        compared_tokens=matched.compared,
        statistics=statistics,
        deciding=None if deciding is None else deciding.name,
        rule=rule,
    )


def _share_unread(scores: Scores) -> float:
    return 0.0 if scores.unread is None else float(np.mean(scores.unread))


def _withheld_alike(candidate: Scores, baseline: Scores) -> tuple[Scores, Scores]:
    """Both with a column of what is withheld, if either has one: what is not known of a side, it does not withhold."""
    if candidate.withheld is None and baseline.withheld is None:
        return candidate, baseline
    ours, theirs = (
        side if side.withheld is not None else replace(side, withheld=np.zeros(len(side), np.bool_))
        for side in (candidate, baseline)
    )
    return ours, theirs


def _beyond_mix(matched: Matched, mix: PromptMix, rule: Rule) -> float:
    """The p-value against a baseline whose prompts had been as hard for it as the candidate's may be.

    Its sums are ``mix.factor`` times as large then. Where a difference in either direction counts there is no harder way,
    and what prompts move is left out.
    """
    if mix.p_value >= ACCUSATION * rule.level:
        return 0.0
    ours, theirs = matched.candidate, matched.baseline
    worse = np.array([not statistic.two_sided for statistic in theirs.statistics])
    unmoved = np.array([not statistic.prompts_move for statistic in theirs.statistics])
    harder = replace(
        theirs, totals=theirs.totals * np.where(worse, mix.factor, 1.0), weights=theirs.weights * (worse | unmoved)
    )
    return permutation_test(ours, harder, rule=rule).p_value


def _compared(ours: SequenceSums, theirs: SequenceSums, test: PermutationTest) -> tuple[StatisticComparison, ...]:
    """Every statistic that both sides have positions for."""
    entries = []
    for s, statistic in enumerate(ours.statistics):
        mine, other = interval(ours, statistic), interval(theirs, statistic)
        if math.isnan(mine.value) or math.isnan(other.value):
            continue
        entries.append(
            StatisticComparison(
                name=statistic.name,
                unit=statistic.unit,
                gloss=statistic.gloss,
                two_sided=statistic.two_sided,
                candidate=mine.value,
                baseline=other.value,
                difference=mine.value - other.value,
                interval=difference_interval(mine, other),
                p_value=float(test.adjusted[s]),
            )
        )
    return tuple(entries)


def _deciding(
    statistics: tuple[StatisticComparison, ...], test: PermutationTest, sums: SequenceSums
) -> StatisticComparison | None:
    """The one with the smallest p-value; of several, that with the largest effect."""
    effects = {statistic.name: float(test.effects[s]) for s, statistic in enumerate(sums.statistics)}
    return min(statistics, key=lambda entry: (entry.p_value, -effects[entry.name]), default=None)
