"""The report of an audit as a record: what was audited, what it came to, and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass

from token_difr.records.audit import Audit
from token_difr.records.decision import Decision
from token_difr.records.diagnosis import Diagnosis
from token_difr.records.finding import Finding
from token_difr.records.parting import Parting
from token_difr.records.power import Power

__all__ = ["BaselineRun", "Provenance", "Report"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineRun:
    """The run that an audit was compared with.

    Attributes:
        path: Its run directory; None if its scores were given without one.
        provider: The provider's base URL, or what else names it; None if not known.
        model: The model that it was asked for; None if not known.
        sampler: The sampler that its scores replay; None = none.
        started: When its directory was made, in UTC, by ISO 8601; None if not known.
        scores: SHA-256, in hexadecimal, of its scores.
    """

    path: str | None
    provider: str | None
    model: str | None
    sampler: str | None
    started: str | None
    scores: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """What a report was made from, by whom and when.

    Attributes:
        version: Version of token-difr that decided.
        started: When the run directory was made, in UTC, by ISO 8601; None if not known.
        decided: When the decision was made, likewise.
        scores: SHA-256, in hexadecimal, of the scores that it rests on.
        baseline: What they were compared with; None without a baseline.
    """

    version: str
    started: str | None
    decided: str
    scores: str
    baseline: BaselineRun | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """An audit's report. It is made once, by the verdict stage; all else only shows it.

    Attributes:
        audit: What was audited, and how.
        decision: The verdict, its ground and the figures behind it.
        findings: What the records show beside the scores; they never change the verdict.
        partings: Where the outputs part from the reference most; empty where the tokenizer was not at hand.
        provenance: What it was made from.
        power: What the audit could have shown; None where it came to a verdict, and in reports that say nothing of it.
        diagnosis: Where and why the outputs part; None where the tokenizer was not at hand, and in older reports.
    """

    audit: Audit
    decision: Decision
    findings: tuple[Finding, ...]
    partings: tuple[Parting, ...]
    provenance: Provenance
    power: Power | None = None
    diagnosis: Diagnosis | None = None
