"""The test that the verdict rested on at commit dbf5148, to measure today's against: six clips and the mismatch rate.

Ratios over all tokens, uncut, on other prompts, plain forms alone; the smallest p-value against that of every deal.
"""

from __future__ import annotations

import numpy as np

from token_difr.records import Rule, Scores
from token_difr.verdict.permutation import Sums, label_test
from token_difr.verdict.positions import Positions

CLIPS = (0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


DEALS = 1999


def previous_p_value(candidate: Scores, baseline: Scores, seed: int) -> float:
    """The p-value of the candidate being worse; ``seed`` is that of the deals."""
    rule = Rule(seed=seed, permutations=DEALS, most_permutations=DEALS)
    ones = np.ones(len(CLIPS) + 1, np.bool_)
    return label_test(_sums(candidate), _sums(baseline), two_sided=~ones, capped=~ones, rule=rule).p_value


def _sums(scores: Scores) -> Sums:
    positions = Positions(scores)
    columns = [positions.summed(np.minimum(positions.margin, clip) / clip) for clip in CLIPS]
    columns.append(positions.summed(positions.decided & ~scores.exact_match))
    weights = np.repeat(positions.summed(positions.decided)[:, None], len(columns), axis=1)
    return Sums(np.stack(columns, axis=1), weights)
