"""A decision as JSON: strict JSON, so what is not a finite number is written ``null``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Comparison, Decision, Estimate, Finding, StatisticComparison, Summary, Verdict

__all__ = [
    "FORMAT",
    "decision_from_json",
    "decision_to_json",
    "findings_from_json",
    "findings_to_json",
    "finite_json",
    "summary_to_json",
]

FORMAT = 1


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """The decision as JSON values, field names as in the dataclasses; an estimate is ``[value, low, high]``."""
    return {"format": FORMAT, **finite_json(dataclasses.asdict(decision))}


def summary_to_json(summary: Summary) -> dict[str, Any]:
    """The summary as JSON values, in the form that it has inside a decision."""
    return {"format": FORMAT, **finite_json(dataclasses.asdict(summary))}


def decision_from_json(report: Mapping[str, Any]) -> Decision:
    """The inverse of :func:`decision_to_json`; ``null`` becomes NaN.

    Raises:
        InputError: A report of another format, or one that lacks a field.
    """
    if report.get("format") != FORMAT:
        raise InputError(f"the report has format {report.get('format')!r}, this version of token-difr reads {FORMAT}")
    try:
        return _decision(report)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"the report is damaged, decide the run again: {error!r}") from error


def findings_to_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as JSON values, field names as in the dataclass."""
    return [finite_json(dataclasses.asdict(finding)) for finding in findings]


def findings_from_json(report: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The findings of a report; none in those of versions that had none.

    Raises:
        InputError: A damaged report.
    """
    try:
        return tuple(Finding(**fields) for fields in report.get("findings", ()))
    except TypeError as error:
        raise InputError(f"the report is damaged, decide the run again: {error!r}") from error


def _decision(report: Mapping[str, Any]) -> Decision:
    comparison = report["comparison"]
    baseline = report["baseline"]
    return Decision(
        verdict=Verdict(report["verdict"]),
        reason=report["reason"],
        summary=_summary(report["summary"]),
        baseline=None if baseline is None else _summary(baseline),
        comparison=None if comparison is None else _comparison(comparison),
    )


def finite_json(value: Any) -> Any:
    """``value`` with mappings and sequences as JSON has them, and every NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): finite_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _summary(fields: Mapping[str, Any]) -> Summary:
    numbers = {name: _number(value) for name, value in fields.items() if not isinstance(value, Mapping | list)}
    return Summary(
        **{
            **numbers,
            "statuses": fields["statuses"],
            "exact_match_rate": _estimate(fields["exact_match_rate"]),
            "statistics": {name: _estimate(values) for name, values in fields["statistics"].items()},
        }
    )


def _comparison(fields: Mapping[str, Any]) -> Comparison:
    statistics = tuple(
        StatisticComparison(
            **{
                **{name: _number(value) for name, value in entry.items()},
                "interval": (_number(entry["interval"][0]), _number(entry["interval"][1])),
            }
        )
        for entry in fields["statistics"]
    )
    numbers = {name: _number(value) for name, value in fields.items()}
    own = {"verdict": Verdict(fields["verdict"]), "sequences": tuple(fields["sequences"]), "statistics": statistics}
    return Comparison(**{**numbers, **own})


def _estimate(values: list[float | None]) -> Estimate:
    return Estimate(*(_number(value) for value in values))


def _number(value: Any) -> Any:
    return math.nan if value is None else value
