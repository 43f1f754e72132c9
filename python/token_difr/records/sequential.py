"""What an audit of whole answers came to that was asked until a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SequentialAudit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SequentialAudit:
    """A test that may be looked at behind every answer, see :mod:`token_difr.verdict.answer_bets`.

    Attributes:
        stopped: Why no further prompt was asked: a verdict, all were asked ("exhausted"), or the budget was spent ("budget").
        paired: Whether each answer was held against the baseline's to the same prompt, else against the baseline's next one.
        pairs: Answers that were held against one of the baseline.
        wealth: Behind each pair, in the order in which they were asked: what the bets have made of 1. An honest provider's
            ever reaches 1 / level in a share ``level`` of all audits at most.
        loss_upper: Upper bound of the mean over answers of the candidate's share of mismatches minus its counterpart's, in
            [0, 1]; it holds with probability 95 % behind all pairs at once. 1 where nothing is decided.
        tokens: Tokens of prompts and answers that the provider was asked for, by its own count, else by ours.
        cost: In the currency of the prices; None where they are not known.
    """

    stopped: Literal["divergent", "consistent", "exhausted", "budget"]
    paired: bool
    pairs: int
    wealth: tuple[float, ...]
    loss_upper: float
    tokens: int
    cost: float | None
