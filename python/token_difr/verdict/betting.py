"""A sequential test over pairs: bets that a candidate flips where its baseline does not.

Of a pair that is asked the same near tie, D is 1 where the candidate alone gave another token than the reference, -1 where the
baseline alone did, else 0. Where the candidate is as the baseline, the two may change places given the tie and all that was
asked before, so that D has the mean 0 whatever the tie. Then a wealth that begins at 1 and is multiplied by 1 + bet * D, with
bets in [0, 1) that are chosen before D is seen, is a martingale without negative values: by Ville's inequality it ever reaches
1 / level with probability ``level`` at most, however often one looks. So is the mean over several such bettors.

Honest providers may differ among themselves: let the odds of one to flip a tie be up to ``spread`` times those of another. Of the
pairs that differ, the candidate alone flips in at most ``spread`` for each 1 of the baseline alone, since the odds of that are the
ratio of both odds. A wealth that is multiplied by 1 + bet where D is 1, and by 1 - spread * bet where it is -1, does not grow then.

How much to bet. Where honest runs flip with probability h and a deviation with probability a, independently, D is 1 with
p = a (1 - h) and -1 with q = h (1 - a). The growth p ln(1 + bet) + q ln(1 - spread bet) is largest
at bet = (p - spread q) / (spread (p + q)); without a spread that is (a - h) / (a + h - 2 a h). Both depend on the tie's gap; a bettor is a guess of both curves, and a wrong
guess costs power and never the level.

References:
    Ville, J. (1939): Etude critique de la notion de collectif.
    Waudby-Smith, I. and Ramdas, A. (2024): Estimating means of bounded random variables by betting. JRSS B 86(1).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["LARGEST_BET", "Bettors", "excludes_loss", "log_wealth", "loss_upper", "smallest_excluded"]

Floats = npt.NDArray[np.float64]

LARGEST_BET = 0.98
"""A bettor that bets all it has is ruined by one flip of the baseline."""

LOSS_BETS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0])
"""Of the bound; 1 is the most that is safe for a mean of 0 or more, since D - mean is at most 1."""

BOUND_STEPS = 40


class Bettors:
    """Guesses of two flip curves, and how much of the wealth each begins with.

    Attributes:
        bets: float64[bettors, ties], in [0, 1): what each bets on a tie.
        weights: float64[bettors], with the sum 1.
        spread: By which factor the odds of honest providers may differ, at least 1.
    """

    def __init__(
        self, honest: npt.ArrayLike, deviating: npt.ArrayLike, weights: npt.ArrayLike, *, spread: float = 1.0
    ) -> None:
        """Growth-optimal bets.

        Args:
            honest: float64[bettors, ties]; the probability that an honest run flips a tie.
            deviating: float64[bettors, ties]; the same of a deviation.
            weights: float64[bettors]; of any positive sum.
            spread: See the class.
        """
        h, a = np.asarray(honest, np.float64), np.asarray(deviating, np.float64)
        alone, baseline_alone = a * (1 - h), h * (1 - a)
        apart = spread * (alone + baseline_alone)
        best = np.divide(alone - spread * baseline_alone, apart, out=np.zeros_like(apart), where=apart > 0)
        self.bets: Floats = np.clip(best, 0.0, LARGEST_BET / spread)
        self.weights: Floats = np.asarray(weights, np.float64) / np.sum(weights)
        self.spread = spread


def log_wealth(bettors: Bettors, differences: npt.ArrayLike) -> Floats:
    """float64[ties]: the natural logarithm of the wealth of all bettors together behind each tie.

    Args:
        bettors: What is bet on each tie, in the order in which they are asked.
        differences: int[ties], each -1, 0 or 1.
    """
    won = np.asarray(differences, np.float64)
    each = np.cumsum(np.log1p(bettors.bets * np.where(won < 0, bettors.spread * won, won)), axis=1)
    together: Floats = np.logaddexp.reduce(each + np.log(bettors.weights)[:, None], axis=0)
    return together


def loss_upper(counts: tuple[int, int, int], level: float) -> float:
    """An upper bound of the mean of D that holds behind every tie at once, with probability 1 - ``level``.

    Were the mean m or more, prod(1 - bet (D - m)) would be expected to be 1 at most, and so would its mean over bets; the
    bound is the smallest m for which that has reached 1 / level. All that it needs of the pairs is how many there are of each
    kind, since the bets are the same for all.

    Args:
        counts: How often D was 1, 0 and -1.
        level: In (0, 1).

    Returns:
        In [0, 1]: a smaller mean is not told from 0.
    """
    if excludes_loss(counts, 0.0, level):
        return 0.0
    if not excludes_loss(counts, 1.0, level):
        return 1.0
    return smallest_excluded(lambda mean: excludes_loss(counts, mean, level))


def smallest_excluded(excludes: Callable[[float], bool]) -> float:
    """The smallest mean in (0, 1] that is excluded, where every larger one is too; 1 where none is.

    Args:
        excludes: Whether a mean is.
    """
    low, high = 0.0, 1.0
    for _ in range(BOUND_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if excludes(middle) else (middle, high)
    return high


def excludes_loss(counts: tuple[int, int, int], mean: float, level: float) -> bool:
    """Whether a mean of D as large as ``mean``, in [0, 1], is excluded; for the rest see :func:`loss_upper`."""
    with np.errstate(divide="ignore"):  # who bets everything is ruined by the first flip where the mean is 0
        grown = np.sum(
            [
                count * np.log1p(-LOSS_BETS * (difference - mean))
                for count, difference in zip(counts, (1, 0, -1), strict=True)
                if count
            ],
            axis=0,
        )
    return any(counts) and bool(np.logaddexp.reduce(grown) - np.log(len(LOSS_BETS)) >= -np.log(level))
