"""How far answers to the same question agree: at temperature 0, with one seed, and with two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from token_difr.records import Response
from token_difr.verdict.intervals import wilson

__all__ = ["Agreement", "Greedy", "Honored", "Seeds", "agreement", "compare_seeds", "sign_test"]

Z_95 = 1.959963984540054  # the standard normal's 97.5 % quantile: both sides of a 95 % interval
SURE = 0.005
DOUBTFUL = 0.05
FEWEST_QUESTIONS = 8  # the fewest of which all, by a sign test, give a p-value below SURE


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Pairs of answers to the same question.

    Attributes:
        pairs: Number of pairs.
        equal: Pairs that are equal to the last character.
        interval: 95 % interval of the share of equal pairs (Wilson).
        prefix: Mean share of the longer answer that the two begin with alike, in [0, 1].
    """

    pairs: int
    equal: int
    interval: tuple[float, float]
    prefix: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Greedy:
    """Temperature 0, each question asked twice."""

    agreement: Agreement

    @property
    def deterministic(self) -> bool:
        """Whether every pair was equal."""
        return self.agreement.equal == self.agreement.pairs


class Honored(StrEnum):
    """Whether an endpoint honors seeds."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seeds:
    """A temperature above 0, each question asked twice with one seed and once with another.

    Attributes:
        same: Pairs with the same seed.
        different: Pairs with different seeds.
        longer: Questions to which the pair with the same seed agrees for longer than the other one.
        shorter: Questions to which it agrees for less long; at all others both pairs part at the same place.
        p_value: One-sided sign test of ``longer`` against ``shorter``: how easily an endpoint that ignores seeds comes
            to this.
        honored: YES: p < 0.005. UNCLEAR: p < 0.05, or fewer than 8 questions at which the pairs differ. NO: all else.
    """

    same: Agreement
    different: Agreement
    longer: int
    shorter: int
    p_value: float
    honored: Honored


def agreement(first: Sequence[Response], second: Sequence[Response]) -> Agreement:
    """How far answers to the same questions agree, pair by pair."""
    shares = [_shared(a, b) for a, b in zip(first, second, strict=True)]
    equal = sum(_text(a) == _text(b) for a, b in zip(first, second, strict=True))
    pairs = len(shares)
    return Agreement(
        pairs=pairs,
        equal=equal,
        interval=wilson(equal / pairs, pairs, z=Z_95) if pairs else (math.nan, math.nan),
        prefix=sum(shares) / pairs if pairs else math.nan,
    )


def compare_seeds(first: Sequence[Response], again: Sequence[Response], other: Sequence[Response]) -> Seeds:
    """What the seed changes.

    Args:
        first: Answers with one seed.
        again: Answers to the same requests.
        other: Answers to the same questions with another seed.
    """
    leads = [_shared(a, b) - _shared(a, c) for a, b, c in zip(first, again, other, strict=True)]
    longer, shorter = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
    p_value = sign_test(longer, shorter)
    if p_value < SURE:
        honored = Honored.YES
    elif p_value < DOUBTFUL or longer + shorter < FEWEST_QUESTIONS:
        honored = Honored.UNCLEAR
    else:
        honored = Honored.NO
    return Seeds(
        same=agreement(first, again),
        different=agreement(first, other),
        longer=longer,
        shorter=shorter,
        p_value=p_value,
        honored=honored,
    )


def sign_test(wins: int, losses: int) -> float:
    """Probability of at least ``wins`` heads among ``wins + losses`` throws of a fair coin."""
    throws = wins + losses
    return sum(math.comb(throws, heads) for heads in range(wins, throws + 1)) * 0.5**throws


def _shared(first: Response, second: Response) -> float:
    a, b = _text(first), _text(second)
    if a == b:
        return 1.0
    parting = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return parting / max(len(a), len(b))


def _text(response: Response) -> str:
    return f"{response.reasoning}\0{response.content}"
