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
        fell: int8[ties]; 1 where the provider gave another token than the reference, 0 where the same, -1 where nothing came.
        honest: The same of every honest run, the baseline first; -1 where it was not asked.
    """

    gaps: npt.NDArray[np.float64]
    fell: Flips
    honest: Sequence[Flips]


def order_of(count: int, seed: int) -> npt.NDArray[np.int64]:
    """int64[count]: in which order ties are asked. Chance alone makes the first ones speak for all."""
    return np.random.default_rng([seed, count]).permutation(count)


def sequential_test(answered: Answered, rule: Rule) -> SequentialTest:
    """Whether what is known ends the audit.

    *Divergent* needs the wealth of the bets against **each** honest run: honest providers differ among themselves, and one
    that is like any of them is called divergent in a share ``rule.level`` of all audits at most. *Consistent* needs the bound
    against **one** of them, each of which has its part of the level, and as many ties as the tolerance asks for.

    Args:
        answered: At least one honest run.
        rule: Level and tolerance; the tolerance is of the share of ties that fall the other way.
    """
    wealths, bounds, counts = zip(
        *(_against(answered, index, rule) for index in range(len(answered.honest))), strict=True
    )
    wealth = np.min(wealths, axis=0)
    reached = bool((wealth >= 1 / rule.level).any())
    enough = [sum(each) >= rule.fewest_sequences for each in counts]
    within = any(bound < rule.tolerance and many for bound, many in zip(bounds, enough, strict=True))
    return SequentialTest(
        stopped="divergent" if reached else "consistent" if within else "exhausted",
        pairs=sum(counts[0]),
        alone=counts[0][0],
        baseline_alone=counts[0][2],
        wealth=tuple(wealth.tolist()),
        loss_upper=min(bounds),
    )


def _against(answered: Answered, index: int, rule: Rule) -> tuple[npt.NDArray[np.float64], float, tuple[int, int, int]]:
    """Wealth behind each tie, bound of the loss, and how often the difference was 1, 0 and -1."""
    baseline = answered.honest[index]
    paired = (answered.fell >= 0) & (baseline >= 0)
    differences = np.where(paired, answered.fell - baseline, 0)
    wealth = np.exp(log_wealth(tie_bettors(answered.gaps, _learnt(answered, index)), differences))
    plus, minus = int((differences > 0).sum()), int((differences < 0).sum())
    counts = (plus, int(paired.sum()) - plus - minus, minus)
    return wealth, loss_upper(counts, rule.level / len(answered.honest)), counts


def _learnt(answered: Answered, index: int) -> npt.NDArray[np.float64] | None:
    """The honest curve of all honest runs but the one at ``index``.

    What that one did must not be known to the bettors beforehand: given its answers, those of an honest provider are no
    longer as likely to differ in the one direction as in the other.
    """
    others = [flips for place, flips in enumerate(answered.honest) if place != index]
    if not others:
        return None
    known = np.concatenate([flips >= 0 for flips in others])
    gaps, fell = np.tile(answered.gaps, len(others))[known], np.concatenate(others)[known]
    return fitted_curve(gaps, fell, answered.gaps)
