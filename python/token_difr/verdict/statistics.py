"""The statistics that a verdict looks at. ``STATISTICS`` is the one list of them; everything else is read off it.

A statistic is a mean: the sum of its values over all that counts, divided by how much counts. What counts is a share of
the positions (or every sequence), as its weights say. So over any set of sequences it is *sum of totals / sum of weights*,
and its totals and weights a sequence (:class:`~token_difr.verdict.sums.SequenceSums`) are all that tests and
intervals need. They must not look at single positions: one deviation changes all tokens that follow it, so the tokens of
an answer are not independent, and the sequence is the unit of sampling.

Why these. Small clips count mismatches of any size, large ones weigh the gross ones: quantized weights move many tokens
a little, a broken sampler moves few tokens far. A window counts the margins between two bounds: numerical noise lies below
it, broken answers far above, and a quantized cache inside. Who knows the seed could hide in positions that a row does not
settle; who drops the prompts that it would get wrong sends empty answers; who states a false number of tokens makes its
answers unfit to be scored: all three are counted. Without a seed that can be replayed there is no match to count, only how
likely the tokens are. A higher temperature or other weights make some less likely than honest ones, a lower temperature or
a narrower top-p makes them likelier; either is a difference, so these count in both directions, as do the percentiles,
which an honest sampler spreads evenly, and the length of answers to the same prompts. All others grow with divergence.

A few answers that part early dominate a mean, on honest sides too. So some statistics are tested in a second form, *capped*:
no answer adds more than the 95 % quantile of all answers (:mod:`token_difr.verdict.permutation`).

**A new statistic** is one function here, from positions to values and weights, and one entry of ``STATISTICS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from token_difr.verdict.positions import Positions

__all__ = ["CLIPPED_MARGIN", "MISMATCH_RATE", "STATISTICS", "Columns", "Statistic"]


class Columns(NamedTuple):
    """What a statistic is a mean of, one entry a position, or a sequence.

    Attributes:
        values: float64 or bool, in the statistic's unit; 0 where the weight is 0.
        weights: float64 or bool; 1 where the entry counts, else 0.
    """

    values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]
    weights: npt.NDArray[np.float64] | npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistic:
    """One statistic.

    Attributes:
        name: Its name in reports.
        unit: "share", a mean of values in [0, 1]; or "nats" or "tokens".
        gloss: What it says, in plain words.
        columns: What it is a mean of.
        two_sided: Whether a difference counts in both directions; else only a candidate above its baseline is worse.
        per: What ``columns`` has an entry for: each "position", or each "sequence".
        capped: Whether it is tested in its capped form too.
        prompts_move: Whether its honest value depends on the prompts.
        paired: Whether it says something only of answers to the same prompts.
    """

    name: str
    unit: Literal["share", "nats", "tokens"]
    gloss: str
    columns: Callable[[Positions], Columns] = field(compare=False, repr=False)
    two_sided: bool = False
    per: Literal["position", "sequence"] = "position"
    capped: bool = False
    prompts_move: bool = True
    paired: bool = False

    def sums(self, positions: Positions) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Its totals and its weights a sequence, each float64[sequences]."""
        values, weights = self.columns(positions)
        if self.per == "sequence":
            return values.astype(np.float64), weights.astype(np.float64)
        return positions.summed(values), positions.summed(weights)


def _clipped_margins(positions: Positions, *, clip: float) -> Columns:
    return Columns(np.minimum(positions.margin, clip) / clip, positions.decided)


def _mismatches(positions: Positions) -> Columns:
    return Columns(positions.decided & ~positions.scores.exact_match, positions.decided)


def _undecided(positions: Positions) -> Columns:
    return Columns(positions.undecided, positions.undecided | positions.decided)


def _window(positions: Positions, *, above: float, upto: float) -> Columns:
    return Columns((positions.margin > above) & (positions.margin <= upto), positions.decided)


def _empty(positions: Positions) -> Columns:
    return Columns((positions.lengths == 0) & ~positions.withheld, np.ones(len(positions.lengths)))


def _withheld(positions: Positions) -> Columns:
    # What the reference could not read says nothing of the provider: it is neither withheld nor given.
    known = ~positions.unread & (positions.scores.withheld is not None)
    return Columns(positions.withheld & known, known)


def _lengths(positions: Positions) -> Columns:
    return Columns(positions.lengths.astype(np.float64), ~positions.withheld)


def _percentiles(positions: Positions, *, low: float, high: float) -> Columns:
    percentile = positions.percentile
    inside = (percentile >= low) & ((percentile < high) | ((high == 1) & (percentile == 1)))
    return Columns(inside, np.isfinite(percentile))


def _surprise_above(positions: Positions) -> Columns:
    return Columns(np.maximum(positions.surprise, 0.0), positions.unreplayed)


def _surprise_below(positions: Positions) -> Columns:
    return Columns(np.maximum(-positions.surprise, 0.0), positions.unreplayed)


def _clipped_margin(clip: float) -> Statistic:
    return Statistic(
        name=f"clipped_margin_{clip:g}",
        unit="share",
        gloss=(
            "how far the tokens are from the reference's own choice: the mean distance in log-probability, as a share of "
            f"{clip:g} nats, where what is farther counts as that"
        ),
        columns=partial(_clipped_margins, clip=clip),
        capped=True,
    )


def _margin_window(above: float, upto: float) -> Statistic:
    return Statistic(
        name=f"margin_{above:g}_to_{upto:g}",
        unit="share",
        gloss=f"share of tokens that are more than {above:g} and at most {upto:g} nats from the reference's own choice",
        columns=partial(_window, above=above, upto=upto),
        capped=True,
    )


def _percentile_bin(low: float, high: float) -> Statistic:
    return Statistic(
        name=f"percentile_{low:g}_to_{high:g}",
        unit="share",
        gloss=f"share of tokens at {100 * low:.0f} to {100 * high:.0f} % of what the reference could have sampled, likeliest first",
        columns=partial(_percentiles, low=low, high=high),
        two_sided=True,
        prompts_move=False,
    )


CLIPPED_MARGIN = _clipped_margin(0.1)
"""The margins, each up to 0.1 nats: how many tokens are off, by whatever distance."""


MISMATCH_RATE = Statistic(
    name="mismatch_rate",
    unit="share",
    gloss="share of tokens that are not the reference's own choice",
    columns=_mismatches,
    capped=True,
)

STATISTICS = (
    CLIPPED_MARGIN,
    *(_clipped_margin(clip) for clip in (1.0, 5.0, 30.0)),
    _margin_window(0.02, 0.5),
    _margin_window(0.1, 1.0),
    MISMATCH_RATE,
    Statistic(
        name="undecided_rate",
        unit="share",
        gloss="share of tokens of which the reference shows too little to tell whether they are its own choice",
        columns=_undecided,
    ),
    Statistic(
        name="empty_rate",
        unit="share",
        gloss="share of answers without a single token",
        columns=_empty,
        per="sequence",
    ),
    Statistic(
        name="withheld_rate",
        unit="share",
        gloss="share of answers whose own tokens are not known, by what the provider says or leaves out",
        columns=_withheld,
        per="sequence",
    ),
    Statistic(
        name="answer_length",
        unit="tokens",
        gloss="tokens of an answer, the same prompts having been asked",
        columns=_lengths,
        two_sided=True,
        per="sequence",
        paired=True,
    ),
    Statistic(
        name="surprise_above",
        unit="nats",
        gloss="how much less likely tokens are than an honest sampler's would be, over the tokens that are less likely",
        columns=_surprise_above,
        two_sided=True,
    ),
    Statistic(
        name="surprise_below",
        unit="nats",
        gloss="how much likelier tokens are than an honest sampler's would be, over the tokens that are likelier",
        columns=_surprise_below,
        two_sided=True,
    ),
    *(_percentile_bin(quarter / 4, (quarter + 1) / 4) for quarter in range(4)),
)
"""All of them, in the order of reports."""
