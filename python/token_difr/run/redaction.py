"""Records without the texts in them: token ids, counts and figures stay, and a SHA-256 stands for what was taken out.

Whatever somebody else may have written is taken out, not only what holds text today: a record is made of the fields that are known
to be numbers, ids or our own words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from token_difr.records import Audit, Finding, Report, TokenSequence
from token_difr.records.response import CUT, ENDED
from token_difr.report import report_to_json

__all__ = ["digest_of_value", "redacted_audit", "redacted_report", "redacted_response", "redacted_sequence"]

NAME = "redacted"
LISTED = ("prompt_tokens", "completion_tokens")


def digest_of_value(value: object) -> str:
    """SHA-256, in hexadecimal, of a value as JSON without spaces and with sorted keys."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def redacted_response(record: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of an answer's record: its place, its counts, and how it ended where that is a word of the field."""
    reason = record.get("finish_reason")
    known = isinstance(reason, str) and reason.lower() in ENDED | CUT
    counts = {name: record[name] for name in LISTED if isinstance(record.get(name), int)}
    return {"index": record["index"], "content": "", "finish_reason": reason if known else None, **counts}


def redacted_sequence(record: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of a token sequence: the output's ids, and how surely they are the model's. The prompt's spell the prompt."""
    whole = TokenSequence.from_dict(record)
    unread = None if whole.unread is None else "redacted"
    return {"index": record["index"], **replace(whole, prompt_token_ids=[], unread=unread).to_dict()}


def redacted_audit(audit: Audit) -> Audit:
    """The same with digests for template variables that are more than a number or a truth value: they may be a prompt."""
    asked = audit.asked
    if asked is None or asked.asking.chat_template_kwargs is None:
        return audit
    variables = {name: _redacted_value(value) for name, value in asked.asking.chat_template_kwargs.items()}
    return replace(audit, asked=replace(asked, asking=replace(asked.asking, chat_template_kwargs=variables)))


def redacted_report(report: Report) -> Report:
    """The verdict with all its figures; findings by name and figures, no words of others, and no place where outputs part."""
    if any(found.name == NAME for found in report.findings):
        return report
    told = Finding.of(
        NAME,
        f"the texts were taken out, with {len(report.partings)} places where the outputs part; token ids, rows and scores are here",
        {"partings": len(report.partings), "sha256": digest_of_value(report_to_json(report))},
        warning=False,
    )
    findings = (*map(_redacted_finding, report.findings), told)
    return replace(report, audit=redacted_audit(report.audit), findings=findings, partings=())


def _redacted_finding(finding: Finding) -> Finding:
    figures = {name: value for name, value in finding.evidence.items() if _is_figure(value)}
    told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in figures.items() if _is_number(value))
    text = f"its words were taken out; its figures: {told}" if told else "its words were taken out"
    return replace(finding, text=text, evidence={**figures, "sha256": digest_of_value(asdict(finding))})


def _redacted_value(value: object) -> object:
    known = isinstance(value, Mapping) and value.keys() == {NAME}
    return value if known or value is None or _is_number(value) else {NAME: digest_of_value(value)}


def _is_figure(value: object) -> bool:
    return value is None or _is_number(value) or (isinstance(value, list | tuple) and all(map(_is_number, value)))


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float)
