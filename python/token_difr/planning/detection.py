"""The probability that an audit shows a deviation, and the answers that it takes.

**The formula** (large samples; the power of a permutation test of means, as in Lehmann and Romano, 2005, Testing Statistical
Hypotheses, 15.2). With n answers a side the means differ by d, with a standard error of root((vc + vb) / n), where vc and vb are
the variances of answers' means. The deals' standard deviation holds what was seen as well: root((vc + vb + d² / 2) / n) of
labels dealt to all answers, root((vc + vb + d²) / n) of labels exchanged in pairs. So

    power = Φ((d - z · deals') / error),    z = the normal's quantile at 1 - level / 2.5

where 2.5 is what many statistics cost (:mod:`token_difr.planning.simulated_audits`). It is too low where answers are few or many
are left alone, so up to ``MOST_SIMULATED`` answers audits are simulated, unless the formula is sure already.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

from token_difr.planning.simulated_audits import DEALS, MOST_STATISTICS, Sides, simulated_power
from token_difr.verdict.deviation_table import Bursts, Deviation, Noise
from token_difr.verdict.permutation import FEWEST_PAIRS

__all__ = ["MOST_ANSWERS", "ROUGH_BELOW", "Design", "answers_needed", "power"]

MOST_SIMULATED = 256
MOST_ANSWERS = 1_000_000
"""More are not looked for."""

ROUGH_BELOW = 8
"""Answers a side, of fewer of which what is predicted was up to 20 points too high (docs/planning.md)."""

SURE = 0.999
FEWEST_RANKS = 8
"""Deals below the level that a simulation needs: fewer, and chance moves the level that it has."""


class Design(NamedTuple):
    """How an audit is made.

    Attributes:
        level: The false-alarm rate of *divergent*.
        paired: Whether both sides are asked the same prompts.
    """

    level: float = 0.01
    paired: bool = True


def power(deviation: Deviation, noise: Noise, answers: int, design: Design) -> float:
    """The probability that so many answers a side are *divergent*.

    Args:
        deviation: What the provider adds to the noise.
        noise: What the honest provider has, and how long its answers are.
        answers: Answers with tokens on each side.
        design: The audit's.
    """
    if answers < fewest_answers(design.level):
        return 0.0
    sides = _strongest(deviation, noise, answers, design)
    if sides is None:
        return 0.0
    by_formula = _normal_power(sides, design.level)
    simulated = answers <= MOST_SIMULATED and design.level * DEALS >= FEWEST_RANKS
    return _simulated(sides, design.level) if simulated and by_formula < SURE else by_formula


def answers_needed(wanted: float, deviation: Deviation, noise: Noise, design: Design) -> int | None:
    """The fewest answers a side that show a deviation with probability ``wanted``; None if a million are too few.

    Within what the simulation errs by, 2 points of power.
    """
    few = fewest_answers(design.level) - 1
    enough = few + 1
    while power(deviation, noise, enough, design) < wanted:
        if enough >= MOST_ANSWERS:
            return None
        few, enough = enough, min(2 * enough, MOST_ANSWERS)
    while enough - few > 1:
        middle = (few + enough) // 2
        if power(deviation, noise, middle, design) < wanted:
            few = middle
        else:
            enough = middle
    return enough


def fewest_answers(level: float) -> int:
    """The fewest a side of which a deal can be so rare as to lie below ``level``: one of (2n over n)."""
    answers = 1
    while 1 / math.comb(2 * answers, answers) >= level:
        answers += 1
    return answers


_simulated = cache(simulated_power)


def _strongest(deviation: Deviation, noise: Noise, answers: int, design: Design) -> Sides | None:
    """The statistic that shows most, by the formula; None where none is moved."""
    paired = design.paired and answers >= FEWEST_PAIRS
    compared = deviation.compared_in_pairs if paired else deviation.compared_by_length
    tokens = compared * noise.answer_tokens
    sides = [
        Sides(noise.statistics[name], excess, tokens, answers, design.paired, deviation.shared)
        for name, excess in deviation.statistics.items()
        if excess.mean > 0
    ]
    return max(sides, key=_effect, default=None) if tokens > 0 else None


def _effect(sides: Sides) -> float:
    return sides.excess.mean / math.sqrt(_variance(sides.noise) * 2 + _variance(sides.excess))


def _normal_power(sides: Sides, level: float) -> float:
    difference = sides.excess.mean
    variance = (2 * _variance(sides.noise) + _variance(sides.excess)) / sides.tokens
    error = math.sqrt(variance / sides.answers)
    deals = math.sqrt((variance + difference**2 * (1 if sides.paired else 0.5)) / sides.answers)
    return NormalDist().cdf((difference + NormalDist().inv_cdf(level / MOST_STATISTICS) * deals) / error)


def _variance(bursts: Bursts) -> float:
    """Of an answer's total, over its tokens."""
    return bursts.spread**2
