"""Where a run's outputs part from the reference, beside its baseline's, and why, where the pattern is a known one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from token_difr.records.decision import Estimate

__all__ = ["Cause", "Contrast", "Diagnosis", "ProfileCell"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """A figure of both sides, each with its 95 % interval; NaN where there is nothing to estimate from.

    Attributes:
        candidate: Of the candidate.
        baseline: Of the baseline.
        difference: Candidate minus baseline.
    """

    candidate: Estimate
    baseline: Estimate
    difference: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileCell:
    """The tokens of one kind, or the answers that first part at one place.

    Attributes:
        group: By what tokens are told apart: "position", "place", "token class", "word", "entropy"; or "first parting".
        name: Which of them these are.
        counts: How many decided tokens these are of (candidate, baseline); of "first parting", how many answers.
        mismatch: The share of them that is not the reference's own; of "first parting", the share of all answers.
        margin: Their mean margin in nats, where what is farther than 1 nat counts as that; NaN for "first parting".
        differs: Whether the share differs from the baseline's though as many cells were looked at as the profile has.
    """

    group: str
    name: str
    counts: tuple[int, int]
    mismatch: Contrast
    margin: Contrast
    differs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A known pattern that the outputs part in.

    Attributes:
        name: Its name.
        text: What it is, with its figures, in words that are safe to show.
        advice: What to do.
        shown: Whether the records show it; else they only leave it open, and something else may do the same.
        evidence: The figures behind it, as JSON values.
    """

    name: str
    text: str
    advice: str
    shown: bool
    evidence: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """Where and why. It never changes the verdict.

    Attributes:
        cells: The profile, group by group; cells without a token on the candidate's side are left out.
        causes: The known patterns that were found.
        level: The share of honest audits in which a cause is named, at most.
    """

    cells: tuple[ProfileCell, ...]
    causes: tuple[Cause, ...]
    level: float
