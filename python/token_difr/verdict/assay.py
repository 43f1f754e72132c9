"""Whether a comparison could show anything: assay sensitivity, as trials of non-inferiority ask for it.

That a candidate does not differ from a baseline says something only where a difference would have shown. If the reference
is broken (its rows are those of the next position, or of another model), candidate and baseline disagree with it alike,
whatever is served. The trusted baseline tells: it must agree with the reference. And no side may lack so many tokens that
what is left need not stand for the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from token_difr.errors import InputError
from token_difr.records import Rule, Scores, ScoreStatus
from token_difr.verdict.positions import Positions
from token_difr.verdict.rows import SHIFTS, RowFacts

__all__ = ["check_comparable", "doubts"]


def check_comparable(candidate: Scores, baseline: Scores) -> None:
    """Refuse sides of which one was replayed, or greedy, and the other was not.

    Raises:
        InputError: They have no statistic in common.
    """
    (ours, ours_not), (theirs, theirs_not) = (_kinds(side) for side in (candidate, baseline))
    if (ours and theirs_not and not theirs) or (theirs and ours_not and not ours):
        replayed = "the candidate" if ours else "the baseline"
        raise InputError(
            f"{replayed} alone was scored with its noise replayed (or greedily), the other side without a replay: "
            "score both the same way"
        )


def doubts(candidate: Scores, baseline: Scores, rule: Rule, rows: RowFacts | None = None) -> Iterator[str]:
    """Why the comparison can show nothing, the gravest reason first.

    Args:
        candidate: The candidate's scores.
        baseline: The baseline's scores.
        rule: How much either side may lack, and how well the baseline must match.
        rows: Of the baseline; None = not known.
    """
    if rows is not None:
        yield from _shifted(rows)
    yield from _disagreement(baseline, rule)
    for name, side in (("candidate", candidate), ("baseline", baseline)):
        for share, what in _left_out(side):
            if share > rule.most_left_out:
                yield f"{100 * share:.0f} % of the {name}'s {what}: at most {100 * rule.most_left_out:g} % may be so"


def _shifted(rows: RowFacts) -> Iterator[str]:
    before, own, after = rows.shift_matches
    for shift, rate in ((SHIFTS[0], before), (SHIFTS[2], after)):
        if rate > own:
            yield (
                f"the reference's rows are off by one: the baseline matches them in {100 * own:.1f} %, and in "
                f"{100 * rate:.1f} % where they are moved by {shift:+d}; repair the reference"
            )


def _disagreement(baseline: Scores, rule: Rule) -> Iterator[str]:
    """Whether the baseline agrees with the reference too little."""
    positions = Positions(baseline)
    least = rule.lowest_baseline_match
    if positions.decided.any():
        rate = float(np.mean(baseline.exact_match[positions.decided]))
        if rate < least:
            yield (
                f"the reference does not agree with the trusted baseline, which matches it in {100 * rate:.1f} % of its "
                f"tokens: below {100 * least:g} % nothing is shown of anybody"
            )
    elif positions.unreplayed.any():
        # The surprise is -ln prob less its expectation: its mean is the log of how much less likely the tokens are, in
        # the geometric mean, than those that the reference would have sampled.
        ratio = math.exp(-float(np.mean(positions.surprise[positions.unreplayed])))
        if ratio < least:
            yield (
                f"the reference does not agree with the trusted baseline, whose tokens are {ratio:.2f} times as likely as "
                f"the reference expects: below {least:g} times nothing is shown of anybody"
            )


def _left_out(side: Scores) -> Iterator[tuple[float, str]]:
    tokens = len(side.status)
    if side.withheld is not None and len(side):
        yield (
            float(np.mean(side.withheld)),
            "answers are not scored, since their own tokens are not known or could not be read",
        )
    if tokens:
        yield float(np.mean(side.status == ScoreStatus.UNSCORED)), "tokens have no row to be compared with"
        yield float(np.mean(side.status == ScoreStatus.UNDECIDED)), "tokens are not decided by the reference's rows"
        yield side.improper_rows / tokens, "rows are no distribution"


def _kinds(side: Scores) -> tuple[bool, bool]:
    """Whether there are decided (or undecided) positions, and such as were not replayed."""
    unreplayed = side.status == ScoreStatus.UNREPLAYED
    judged = ~unreplayed & (side.status != ScoreStatus.UNSCORED)
    return bool(judged.any()), bool(unreplayed.any())
