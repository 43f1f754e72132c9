"""When enough ties were asked: the sequential test against every honest run."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.records import Rule, SequentialTest
from token_difr.verdict.betting import LARGEST_BET, excludes_loss, log_wealth, loss_upper
from token_difr.verdict.flip_curves import tie_bettors
from token_difr.verdict.honest_providers import Flips, HonestProviders, allowed_spread

__all__ = ["Answered", "fewest_further", "sequential_test"]


MOST_AT_ONCE = 64
"""Ties between two looks."""


class Answered(NamedTuple):
    """Ties that an audit has asked, in the order in which it did.

    Attributes:
        gaps: float64[ties]; in nats.
        outcomes: int8[ties]; what the provider gave: 0 the reference's token, 1 its second one, 2 any other or none; -1 where it
            was not asked.
        honest: int8[ties] of every honest run, the baseline first: 1 where it gave another token than the reference, 0 where
            the same, -1 where it was not asked.
        learnt: Of each honest run, what was learnt from others: what this run did must not be known to whoever bets against it.
            Given its answers, those of an honest provider are no longer as likely to differ in the one direction as in the
            other. It rests on all ties of these runs, not on those asked so far: what is bet on a tie stands before the audit.
    """

    gaps: npt.NDArray[np.float64]
    outcomes: Flips
    honest: Sequence[Flips]
    learnt: Sequence[HonestProviders]

    @property
    def fell(self) -> Flips:
        """int8[ties]: 1 where the provider gave another token than the reference, 0 where the same, -1 where not asked."""
        return np.minimum(self.outcomes, 1)


def sequential_test(answered: Answered, rule: Rule, *, spread: float | None = None) -> SequentialTest:
    """Whether what is known ends the audit.

    *Divergent* needs the wealth of the bets against **each** honest run: honest providers differ among themselves, and one
    that is like any of them is called divergent in a share ``rule.level`` of all audits at most. *Consistent* needs the bound
    against **one** of them, each of which has its part of the level, and as many ties as the tolerance asks for.

    Args:
        answered: At least one honest run.
        rule: Level and tolerance; the tolerance is of the share of ties that fall the other way.
        spread: By which factor the odds of honest providers to flip a tie may differ, at least 1; None = as was learnt.
    """
    spreads = _spreads(answered, rule, spread)
    wealths, bounds, counts = zip(
        *(_against(answered, index, rule, factor) for index, factor in enumerate(spreads)), strict=True
    )
    wealth = np.min(wealths, axis=0)
    reached = bool((wealth >= 1 / rule.level).any())
    enough = [sum(each) >= rule.fewest_sequences for each in counts]
    within = any(bound < rule.tolerance and many for bound, many in zip(bounds, enough, strict=True))
    return SequentialTest(
        stopped="divergent" if reached else "consistent" if within else "exhausted",
        spread=max(spreads),
        pairs=sum(counts[0]),
        alone=counts[0][0],
        baseline_alone=counts[0][2],
        wealth=tuple(wealth.tolist()),
        loss_upper=min(bounds),
    )


def fewest_further(answered: Answered, rule: Rule, *, spread: float | None = None) -> int:
    """How many ties have to be asked at least until there can be a verdict: so many are asked at once.

    *Divergent* takes the flips that bring the wealth to 1 / level, each of which multiplies it by less than two. *Consistent* takes
    ties that fall for neither, until the bound excludes the tolerance; more of them are asked than it takes where some fall for
    the baseline alone.

    Args:
        answered: What was asked so far, be it nothing; at least one honest run.
        rule: See :func:`sequential_test`.
        spread: See there.
    """
    spreads = _spreads(answered, rule, spread)
    missing = []
    for index, factor in enumerate(spreads):
        wealth, _, counts = _against(answered, index, rule, factor)
        last = float(wealth[-1]) if wealth.size else 1.0
        flips = math.ceil(-math.log(rule.level * last) / math.log1p(LARGEST_BET / factor)) if last > 0 else MOST_AT_ONCE
        missing.append((flips, _fewest_equal(counts, rule, len(spreads))))
    # Divergent is who differs from each honest run, consistent who is like one of them.
    return max(1, min(max(flips for flips, _ in missing), *(equal for _, equal in missing), MOST_AT_ONCE))


def _fewest_equal(counts: tuple[int, int, int], rule: Rule, runs: int) -> int:
    """How many further ties that fall for neither make it consistent with one honest run; ``MOST_AT_ONCE`` where more do."""
    plus, zero, minus = counts

    def enough(further: int) -> bool:
        many = plus + zero + minus + further >= rule.fewest_sequences
        return many and excludes_loss((plus, zero + further, minus), rule.tolerance, rule.level / runs)

    return bisect.bisect_left(range(1, MOST_AT_ONCE), x=True, key=enough) + 1


def _spreads(answered: Answered, rule: Rule, spread: float | None) -> list[float]:
    """Of each honest run."""
    runs = len(answered.honest)
    return [
        allowed_spread(learnt.scatter, runs, rule.level) if spread is None else spread for learnt in answered.learnt
    ]


def _against(
    answered: Answered, index: int, rule: Rule, spread: float
) -> tuple[npt.NDArray[np.float64], float, tuple[int, int, int]]:
    """Wealth behind each tie, bound of the loss, and how often the difference was 1, 0 and -1."""
    baseline, curve = answered.honest[index], answered.learnt[index].curve
    paired = (answered.fell >= 0) & (baseline >= 0)
    differences = np.where(paired, answered.fell - baseline, 0)
    bettors = tie_bettors(answered.gaps, None if curve is None else curve.at(answered.gaps), spread=spread)
    wealth = np.exp(log_wealth(bettors, differences))
    plus, minus = int((differences > 0).sum()), int((differences < 0).sum())
    counts = (plus, int(paired.sum()) - plus - minus, minus)
    return wealth, loss_upper(counts, rule.level / len(answered.honest)), counts
