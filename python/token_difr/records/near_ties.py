"""What an audit of near ties came to, in ties: plain values, made in :mod:`token_difr.ties`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["HonestCurve", "HonestRun", "NearTies", "SequentialTest", "TieStratum", "range_name"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HonestRun:
    """A run of a trusted provider on the same ties.

    Attributes:
        path: Its run directory.
        provider: The provider's base URL; None if not known.
        started: When its directory was made, in UTC, by ISO 8601; None if not known.
        asked: How many of the audit's ties it has an answer to.
        fell: How many of those fell the other way.
    """

    path: str
    provider: str | None
    started: str | None
    asked: int
    fell: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HonestCurve:
    """How likely honest runs flip a tie, over its gap, and whose runs they were.

    Attributes:
        gaps: Where each step begins, in nats, ascending.
        probabilities: Of a flip from there on, descending.
        scatter: The standard deviation of the logarithms of these runs' odds to flip a tie, see
            :mod:`token_difr.verdict.honest_providers`.
        runs: What it was learnt from, with all ties that each was asked.
    """

    gaps: tuple[float, ...]
    probabilities: tuple[float, ...]
    scatter: float
    runs: tuple[HonestRun, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TieStratum:
    """The ties whose gaps lie in one range.

    Attributes:
        low: Least gap, in nats.
        high: Gaps lie below this, in nats; None = no limit.
        asked: How many were asked.
        fell: How many fell the other way.
        honest_asked: How many answers honest runs gave to them.
        honest_fell: How many of those fell the other way.
    """

    low: float
    high: float | None
    asked: int
    fell: int
    honest_asked: int
    honest_fell: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SequentialTest:
    """A test that may be looked at behind every tie, see :mod:`token_difr.verdict.betting`.

    Attributes:
        stopped: Why no further tie was asked: a verdict, all ties were asked ("exhausted"), or as many as were to be asked at
            once ("paused").
        spread: By which factor the odds of honest providers to flip a tie were allowed to differ; the largest one, where what was
            learnt differs from honest run to honest run.
        pairs: Ties that the provider and the first honest run both answered.
        alone: How many of them fell the other way for the provider alone.
        baseline_alone: The same for that honest run alone.
        wealth: Behind each tie, in the order in which they were asked: the least wealth of the bets against each honest run.
            It begins at 1; an honest provider's reaches 1 / level in a share ``level`` of all audits at most.
        loss_upper: Upper bound of how much larger the share that falls the other way is than an honest run's, against that
            of the honest runs to which it is smallest; it holds with probability 1 - level behind all ties at once.
    """

    stopped: Literal["divergent", "consistent", "exhausted", "paused"]
    spread: float
    pairs: int
    alone: int
    baseline_alone: int
    wealth: tuple[float, ...]
    loss_upper: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NearTies:
    """The counts behind an audit of near ties.

    Attributes:
        asked: Ties that were asked.
        fell: How many of them fell the other way.
        honest: The honest runs, the baseline first.
        strata: The same by gap; ranges without a tie are left out.
        sequential: The sequential test; None where all ties were asked at once.
        curve: What all honest runs say of honest providers; None where there is none.
        kind: Of which kind the deviation is by the shape of its flips, "unknown" allowed; None where the verdict is not
            *divergent*. See :mod:`token_difr.verdict.tie_kinds`.
        likelihoods: By kind, how much likelier than an honest provider it makes the answers, as a natural logarithm.
    """

    asked: int
    fell: int
    honest: tuple[HonestRun, ...]
    strata: tuple[TieStratum, ...]
    sequential: SequentialTest | None
    curve: HonestCurve | None = None
    kind: str | None = None
    likelihoods: Mapping[str, float] = field(default_factory=dict)


def range_name(low: float, high: float | None) -> str:
    """A range of gaps in words, such as "0.02 to 0.05"."""
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"
