"""When enough ties were asked: the sequential test against every honest run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.records import Rule, SequentialTest
from token_difr.verdict.betting import log_wealth, loss_upper
from token_difr.verdict.flip_curves import fitted_curve, tie_bettors

__all__ = ["Answered", "order_of", "sequential_test"]

Flips = npt.NDArray[np.int8]


class Answered(NamedTuple):
    """Ties that an audit has asked, in the order in which it did.

    Attributes:
        gaps: float64[ties]; in nats.
        outcomes: int8[ties]; what the provider gave: 0 the reference's token, 1 its second one, 2 any other or none; -1 where it
            was not asked.
        honest: int8[ties] of every honest run, the baseline first: 1 where it gave another token than the reference, 0 where
            the same, -1 where it was not asked.
    """

    gaps: npt.NDArray[np.float64]
    outcomes: Flips
    honest: Sequence[Flips]

    @property
    def fell(self) -> Flips:
        """int8[ties]: 1 where the provider gave another token than the reference, 0 where the same, -1 where not asked."""
        return np.minimum(self.outcomes, 1)

    def honest_curve(self, but: int | None = None) -> npt.NDArray[np.float64] | None:
        """float64[ties]: how likely honest runs flip each tie, learnt from all of them; None where there is none.

        Args:
            but: One that is left out.
        """
        others = [flips for place, flips in enumerate(self.honest) if place != but]
        if not others:
            return None
        known = np.concatenate([flips >= 0 for flips in others])
        gaps, fell = np.tile(self.gaps, len(others))[known], np.concatenate(others)[known]
        return fitted_curve(gaps, fell, self.gaps)


def order_of(count: int, seed: int) -> npt.NDArray[np.int64]:
    """int64[count]: in which order ties are asked. Chance alone makes the first ones speak for all."""
    return np.random.default_rng([seed, count]).permutation(count)


def sequential_test(answered: Answered, rule: Rule, *, spread: float = 1.0) -> SequentialTest:
    """Whether what is known ends the audit.

    *Divergent* needs the wealth of the bets against **each** honest run: honest providers differ among themselves, and one
    that is like any of them is called divergent in a share ``rule.level`` of all audits at most. *Consistent* needs the bound
    against **one** of them, each of which has its part of the level, and as many ties as the tolerance asks for.

    Args:
        answered: At least one honest run.
        rule: Level and tolerance; the tolerance is of the share of ties that fall the other way.
        spread: By which factor the odds of honest providers to flip a tie may differ, at least 1.
    """
    wealths, bounds, counts = zip(
        *(_against(answered, index, rule, spread) for index in range(len(answered.honest))), strict=True
    )
    wealth = np.min(wealths, axis=0)
    reached = bool((wealth >= 1 / rule.level).any())
    enough = [sum(each) >= rule.fewest_sequences for each in counts]
    within = any(bound < rule.tolerance and many for bound, many in zip(bounds, enough, strict=True))
    return SequentialTest(
        stopped="divergent" if reached else "consistent" if within else "exhausted",
        spread=spread,
        pairs=sum(counts[0]),
        alone=counts[0][0],
        baseline_alone=counts[0][2],
        wealth=tuple(wealth.tolist()),
        loss_upper=min(bounds),
    )


def _against(
    answered: Answered, index: int, rule: Rule, spread: float
) -> tuple[npt.NDArray[np.float64], float, tuple[int, int, int]]:
    """Wealth behind each tie, bound of the loss, and how often the difference was 1, 0 and -1."""
    baseline = answered.honest[index]
    paired = (answered.fell >= 0) & (baseline >= 0)
    differences = np.where(paired, answered.fell - baseline, 0)
    # What this honest run did must not be known to the bettors: given its answers, those of an honest provider are no longer
    # as likely to differ in the one direction as in the other.
    bettors = tie_bettors(answered.gaps, answered.honest_curve(but=index), spread=spread)
    wealth = np.exp(log_wealth(bettors, differences))
    plus, minus = int((differences > 0).sum()), int((differences < 0).sum())
    counts = (plus, int(paired.sum()) - plus - minus, minus)
    return wealth, loss_upper(counts, rule.level / len(answered.honest)), counts
