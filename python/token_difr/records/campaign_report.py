"""What a campaign's folder shows: plain values, made in :mod:`token_difr.campaign`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from token_difr.records.decision import Verdict

__all__ = ["CampaignDay", "CampaignReport", "ChangeSeen", "MixtureShare", "SharedPair", "Standing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MixtureShare:
    """The share of a provider's requests that something else answers, see :mod:`token_difr.verdict.mixture`.

    Attributes:
        least: Lower bound of the share, whatever the other thing is (95 %).
        share: The likeliest share, where it is weights of 4 bits or fewer, or another model.
        low: Lower end of its 95 % interval.
        high: Upper end.
        explains: Whether such a mixture is among what the answers may come from.
    """

    least: float
    share: float
    low: float
    high: float
    explains: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One provider on one date.

    Attributes:
        name: Its name in the campaign.
        role: "baseline" of a trusted one, else "candidate".
        answers: How many answers it gave.
        asked: How many were asked for.
        mismatch: Share of its answers (ties: tokens that are not the reference's; else tokens that mismatch); None = not known.
        verdict: The verdict, p-values adjusted for all candidates of the date; None of a baseline, or where nothing could be
            judged.
        p_value: Of its comparison with the first trusted provider; where ties were asked, the largest of it and of the pairwise
            tests with the other trusted ones. None where there is none.
        adjusted: The same by Holm's procedure over all candidates of the date that were judged.
        groups: Letters of the groups of providers from whom it is not told apart.
        deviations: What it may be, the likeliest first: of which kind its flips are, or what it is as large as, "unknown" allowed.
            Empty where it does not diverge.
        mixture: The share that something else answers; None where it was not estimated.
        warnings: Names of findings that are warnings, and that the first trusted provider does not have.
        failure: Why its run is not finished; None where it is.
    """

    name: str
    role: Literal["candidate", "baseline"]
    answers: int
    asked: int | None
    mismatch: float | None
    verdict: Verdict | None
    p_value: float | None
    adjusted: float | None
    groups: str
    deviations: tuple[str, ...]
    mixture: MixtureShare | None
    warnings: tuple[str, ...]
    failure: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedPair:
    """Two providers that answer as one machine does, see :mod:`token_difr.verdict.shared_answers`.

    Attributes:
        names: Both.
        asked: Answers that both gave.
        same: How many of them are the same.
        likest_other: The largest share of same answers that either has with a third provider that is like them.
        p_value: How easily chance makes them so much more alike, by Holm's procedure over all pairs.
    """

    names: tuple[str, str]
    asked: int
    same: int
    likest_other: float
    p_value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignDay:
    """One date.

    Attributes:
        date: By ISO 8601.
        standings: The providers, in the campaign's order.
        shared: Pairs that answer as one machine does.
    """

    date: str
    standings: tuple[Standing, ...]
    shared: tuple[SharedPair, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeSeen:
    """A provider over its dates, see :mod:`token_difr.verdict.changes`.

    Attributes:
        name: The provider.
        dates: Its dates, earliest first.
        wealth: Behind each date; 1 / level or more is a change.
        changed_at: Wealth from which on it has changed.
        seen: The date on which that was known; None where it has not changed.
        since: The first date of the new answers.
        before: The last date of the old ones.
    """

    name: str
    dates: tuple[str, ...]
    wealth: tuple[float, ...]
    changed_at: float
    seen: str | None
    since: str | None
    before: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignReport:
    """What a campaign's folder shows.

    Attributes:
        model: The model.
        level: False-alarm rate of all verdicts of a date together, of all pairs' groups (their expected share), of all pairs
            that answer as one, and of all changes ever.
        full: Whether whole answers were audited on the last date.
        days: Every date, earliest first.
        changes: Every provider that has more than one date.
    """

    model: str
    level: float
    full: bool
    days: tuple[CampaignDay, ...]
    changes: tuple[ChangeSeen, ...]
