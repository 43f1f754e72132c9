"""Whether two providers answer as one machine does: more alike than either of them is to any third provider.

At temperature 0 honest providers agree at most ties, so agreement alone shows nothing. A third provider that is not told apart from
the two says how often such ones agree. Were all three machines of their own, whoever of the two others agrees with a provider where
only one of them does is as likely to be either: a coin for each such place. The coin is thrown twice: over all places, and over
those alone where the provider did not give the reference's own token, since a quiet provider agrees with anybody quiet. The larger of the
p-values counts, of both anchors and of **every** third provider, so that noisier or quieter ones among them raise no alarm.

Being alike is not yet being one: two providers with the same weights share their rounding, and part where their arithmetic
differs. So it is also asked that the two differ at most a fifth as often as the most similar third pair of theirs. What this
cannot tell is one machine from two that run the same software on the same hardware without noise of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from token_difr.verdict.tie_groups import binomial_tail

__all__ = ["Shared", "shared_answers"]

Tokens = npt.NDArray[np.int64]
"""int64[places] of a provider: a number for each answer, the same for the same one; 0 for the reference's own; -1 where not asked."""

MOST_DIFFERING = 0.2
"""Of the differences of the most similar third pair."""


@dataclass(frozen=True, slots=True)
class Shared:
    """How alike two providers answer.

    Attributes:
        asked: Places that both were asked.
        same: How many of them have the same answer.
        likest_other: The largest share of same answers that either has with a third provider.
        p_value: How easily chance makes them so much more alike; 1 where no third provider is like them.
        near: Whether they differ as seldom as one machine does.
    """

    asked: int
    same: int
    likest_other: float
    p_value: float
    near: bool


def shared_answers(one: Tokens, other: Tokens, thirds: Sequence[Tokens]) -> Shared:
    """How alike two providers are, beside others that are like them.

    Args:
        one: Of one provider.
        other: Of the other one, at the same places.
        thirds: Of every provider that is told apart from neither.
    """
    both = (one >= 0) & (other >= 0)
    asked, same = int(both.sum()), int((both & (one == other)).sum())
    p_value, likest = 0.0, 0.0
    for anchor, partner in ((one, other), (other, one)):
        for third in thirds:
            known = both & (third >= 0)
            p_value = max(p_value, *_coins(anchor[known], partner[known], third[known]))
            if known.any():
                likest = max(likest, float((anchor[known] == third[known]).mean()))
    near = asked > 0 and (1 - same / asked) <= MOST_DIFFERING * (1 - likest)
    return Shared(asked, same, likest, p_value if thirds else 1.0, near)


def _coins(anchor: Tokens, partner: Tokens, third: Tokens) -> tuple[float, float]:
    """The p-values over all places, and over those at which the anchor's answer is its own."""
    with_partner, with_third = anchor == partner, anchor == third
    ps = []
    for looked_at in (np.ones(len(anchor), bool), anchor > 0):
        ours = int((looked_at & with_partner & ~with_third).sum())
        theirs = int((looked_at & with_third & ~with_partner).sum())
        ps.append(binomial_tail(theirs, ours + theirs))
    return ps[0], ps[1]
