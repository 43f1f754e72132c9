"""Since when a provider has answered otherwise: one look a date, and one rate of false alarms for all dates that will ever be.

The same ties are asked on every date. As long as nothing changes, the flips of a tie are exchangeable over the dates: of the d dates
up to now, S of which flipped, each was as likely to flip today, so that today's flip has the probability p = S / d whatever the tie is like.
A bet that today's odds are theta times those of the dates before multiplies by theta / (1 - p + theta p) where the tie flips, and
by 1 / (1 - p + theta p) where it does not: one in the mean. Over all ties, and as the mean over some theta, that is the e-value of a date, E_d.
Since it is one in the mean given what the dates up to now hold **in whatever order** (a conformal e-value), the product of those of
several dates is a martingale as long as nothing changes.

When the change comes is not known, so the capital is spread over all dates from the second on, 1 / (j (j - 1)) for a change at date
number j, which sum up to 1, and what was set on j multiplies from j on: the mixture of e-processes of an e-detector whose weights
sum up to one. Its wealth reaches 1 / level, *ever*, in a share ``level`` of all providers that never change (Ville's inequality). The
date named is the one from which on a stake would have made the most.

What is assumed: the ties flip independently on a date, given what each is like. A provider whose noise is larger on all ties of some
day has changed in this sense.

References:
    Shin, J., Ramdas, A. and Rinaldo, A. (2023): E-detectors: a nonparametric framework for sequential change detection.
    Vovk, V. (2021): Testing randomness online. Statistical Science 36, 595.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Change", "change_of"]

Floats = npt.NDArray[np.float64]

ODDS = np.array([1 / 30, 1 / 10, 1 / 3, 3.0, 10.0, 30.0])
"""Factors by which the odds to flip may have changed, each as likely beforehand."""

LARGEST_LOG = 700.0
"""Of a wealth that is shown: a float holds no larger one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the dates of a provider show.

    Attributes:
        wealth: float64[dates] behind each date; 1 behind the first.
        alarm: Index of the date that first reached 1 / level; None where none did.
        since: Index of the first date of the new answers, as they were known at the alarm; None where there is none.
    """

    wealth: Floats
    alarm: int | None
    since: int | None


def change_of(flips: npt.NDArray[np.int8], level: float) -> Change:
    """Whether and when the flips changed.

    Args:
        flips: int8[dates, ties]; 1 where another token than the reference's came, 0 where the same, -1 where it was not asked.
        level: Share of the providers that never change, and are called changed on any date whatsoever.
    """
    dates = len(flips)
    wealth = np.ones(dates)
    grown = np.empty(0)  # logarithm of what a stake on each date, from the second on, has become
    stakes = np.empty(0)
    for date in range(1, dates):
        number = date + 1
        grown = np.append(grown, 0.0) + _log_e_value(flips[:number])
        stakes = np.append(stakes, -np.log(number * (number - 1)))
        # 1 / (j (j - 1)) over all j above d sums up to 1 / d: not set yet.
        together = np.logaddexp.reduce(np.append(grown + stakes, -np.log(number)))
        wealth[date] = float(np.exp(min(together, LARGEST_LOG)))
        if wealth[date] >= 1 / level:
            return Change(wealth, date, int(grown.argmax()) + 1)
    return Change(wealth, None, None)


def _log_e_value(flips: npt.NDArray[np.int8]) -> float:
    """The natural logarithm of the last date's e-value."""
    asked = flips >= 0
    chance = np.where(asked, flips, 0).sum(axis=0) / np.maximum(asked.sum(axis=0), 1)
    today = flips[-1]
    chance, today = chance[today >= 0], today[today >= 0]
    each = np.where(today > 0, np.log(ODDS)[:, None], 0.0) - np.log1p((ODDS[:, None] - 1) * chance)
    return float(np.logaddexp.reduce(each.sum(axis=1)) - np.log(len(ODDS)))
