"""Fields of the requests that the answers show no sign of: an engine that does not know a field often says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding, Response

__all__ = ["ignored_fields"]

NAME = "ignored_fields"
COSTLY = frozenset({"max_tokens", "max_completion_tokens", "stop", "n"})
"""Without them the answers are others than those that were asked for."""


def ignored_fields(evidence: Evidence) -> Finding | None:
    """Which fields were sent, taken with a status of 200, and then not kept, in how many answers.

    Only what an answer shows is looked at: token ids, logprobs and how many of them, the longest output, stop strings, the
    number of choices. A warning where it changes what was answered or billed; without ids or logprobs the audit goes on
    with the text, which other findings count.
    """
    unkept: dict[str, int] = {}
    for response in evidence.responses:
        for name, kept in KEPT.items():
            wanted = response.sent.get(name)
            if wanted and not kept(wanted, response):
                unkept[name] = unkept.get(name, 0) + 1
    if not unkept:
        return None
    listed = ", ".join(f"{name} (in {count} of {len(evidence.responses)} answers)" for name, count in unkept.items())
    text = f"sent, taken without an error, and not kept by the provider: {listed}"
    figures = {"answers": len(evidence.responses), "unkept": unkept}
    return Finding.of(NAME, text, figures, warning=not COSTLY.isdisjoint(unkept))


def _has_token_ids(_: object, response: Response) -> bool:
    return isinstance(response.choice.get("token_ids"), list)


def _has_logprobs(_: object, response: Response) -> bool:
    return bool(response.choice.get("logprobs")) or not response.completion_tokens


def _has_top_logprobs(wanted: Any, response: Response) -> bool:
    """A row may lack some, where the engine shows only what may be drawn; all rows lacking some is a field not kept."""
    logprobs = response.choice.get("logprobs")
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    shown = [len(row.get("top_logprobs") or ()) for row in rows or () if isinstance(row, dict)]
    return not shown or type(wanted) is not int or max(shown) >= wanted


def _is_short(wanted: Any, response: Response) -> bool:
    return type(wanted) is not int or response.completion_tokens is None or response.completion_tokens <= wanted


def _stops(wanted: Any, response: Response) -> bool:
    strings = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(strings, list) or response.sent.get("include_stop_str_in_output"):
        return True
    return not any(isinstance(string, str) and string in response.content for string in strings)


def _has_choices(wanted: Any, response: Response) -> bool:
    choices = response.body.get("choices")
    return type(wanted) is not int or not isinstance(choices, list) or len(choices) == wanted


KEPT: dict[str, Callable[[Any, Response], bool]] = {
    "return_token_ids": _has_token_ids,
    "logprobs": _has_logprobs,
    "top_logprobs": _has_top_logprobs,
    "max_tokens": _is_short,
    "max_completion_tokens": _is_short,
    "stop": _stops,
    "n": _has_choices,
}
"""Whether an answer keeps a field that was sent with this value."""
