"""What was compared with what, and how: the conditions that a verdict holds under."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from token_difr.records import (
    Asked,
    Audit,
    BaselineRun,
    Judged,
    PromptSet,
    Provenance,
    Report,
    Resegmented,
    SamplingParams,
)
from token_difr.report.grid import Column, Grid
from token_difr.untrusted import printable

__all__ = ["compared_grid"]

LONGEST_NAME = 200
DIGEST_DIGITS = 12
NOT_STATED = "not stated"


def compared_grid(report: Report) -> Grid:
    """A label and a value a row."""
    audit, provenance = report.audit, report.provenance
    rows = (
        *_asked(audit.asked),
        *_judged(audit.judged),
        *_baseline(provenance.baseline),
        *_sampling(audit),
        *_repair(audit.resegmented),
        *_prompts(audit.prompts),
        *_dates(provenance),
    )
    return Grid("What was compared", (Column(), Column(least=32)), rows)


def _asked(asked: Asked | None) -> Iterator[tuple[str, str]]:
    if asked is None:
        yield "provider", NOT_STATED
        return
    yield "provider", _name(asked.provider)
    if asked.asking.only is not None:
        yield "answered by", f"{_name(asked.asking.only)} alone"
    yield "model", _name(asked.model)


def _judged(judged: Judged | None) -> Iterator[tuple[str, str]]:
    if judged is None:
        yield "reference", NOT_STATED
        return
    dialect = _name(judged.dialect)
    yield "reference", dialect if judged.reference is None else f"{_name(judged.reference)} ({dialect})"
    yield "reference model", _name(judged.model)


def _baseline(run: BaselineRun | None) -> Iterator[tuple[str, str]]:
    if run is None:
        yield "baseline", "none"
        return
    yield "baseline", "scores that were given without a run" if run.path is None else _name(run.path)
    if run.path is not None or run.provider is not None:
        yield "baseline provider", _name(run.provider)
        yield "baseline model", _name(run.model)
        yield "baseline start", _moment(run.started)


def _sampling(audit: Audit) -> Iterator[tuple[str, str]]:
    if audit.asked is None:
        yield "sampling", NOT_STATED
        return
    yield "sampling", _parameters(audit.params)
    yield "seeds", _seeds(audit.params)
    yield "sampler", _sampler(audit)
    yield "max tokens", f"{audit.asked.max_tokens:,}"
    if audit.asked.asking.chat_template_kwargs:
        yield "template", printable(json.dumps(audit.asked.asking.chat_template_kwargs), longest=LONGEST_NAME)


def _parameters(params: SamplingParams) -> str:
    parts = [
        f"temperature {params.temperature:g}",
        f"top-k {params.top_k or 'off'}",
        f"top-p {'off' if params.top_p == 1 else format(params.top_p, 'g')}",
        f"min-p {format(params.min_p, 'g') if params.min_p else 'off'}",
    ]
    return ", ".join(parts)


def _seeds(params: SamplingParams) -> str:
    if params.seed is None:
        return "none"
    return f"one for all, {params.seed}" if isinstance(params.seed, int) else "one a prompt"


def _sampler(audit: Audit) -> str:
    if audit.params.greedy:
        return "nothing to replay: the likeliest token is taken"
    if audit.replays:
        return f"{_name(audit.sampler)}, its noise replayed"
    return "not replayed: there is no seed" if audit.params.seed is None else "not replayed: no sampler was named"


def _repair(stated: Resegmented | None) -> Iterator[tuple[str, str]]:
    """Where it is not as usual."""
    if stated is not None and stated.requests is not None:
        yield "repair of tokens", f"at most {stated.requests:,} requests" if stated.requests else "none"


def _prompts(prompts: PromptSet | None) -> Iterator[tuple[str, str]]:
    if prompts is None:
        yield "prompts", NOT_STATED
    else:
        yield "prompts", f"{prompts.count:,} (digest {_name(prompts.digest[:DIGEST_DIGITS])})"


def _dates(provenance: Provenance) -> Iterator[tuple[str, str]]:
    yield "run started", _moment(provenance.started)
    yield "verdict made", f"{_moment(provenance.decided)} by token-difr {_name(provenance.version)}"


def _name(text: str | None) -> str:
    return NOT_STATED if text is None else printable(text, longest=LONGEST_NAME)


def _moment(iso: str | None) -> str:
    """A moment to the minute; what is no date of ISO 8601 as it stands."""
    if iso is None:
        return NOT_STATED
    try:
        when = datetime.fromisoformat(iso)
        utc = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return _name(iso)
    return f"{utc:%Y-%m-%d %H:%M} UTC"
