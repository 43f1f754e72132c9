"""Chat templates that write the day's date."""

from __future__ import annotations

from collections.abc import Mapping

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.sequences import render

__all__ = ["dated_template"]

DATE_CALL = "strftime_now"
"""The function by which chat templates write today's date."""


def dated_template(evidence: Evidence) -> Finding | None:
    """Whether the chat template writes the day's date, which the provider's may write otherwise.

    A warning where no variable of ours sets the date: every prompt may differ by it. Give the date that the provider
    writes, in ``chat_template_kwargs`` (``date_string``, in most templates).
    """
    template = getattr(evidence.tokenizer, "chat_template", None)
    texts = list(template.values()) if isinstance(template, Mapping) else [template]
    if not any(isinstance(text, str) and DATE_CALL in text for text in texts):
        return None
    variables = evidence.audit.asking.chat_template_kwargs or {}
    given = sorted(name for name in variables if "date" in name)
    text = (
        "the chat template writes today's date: where the provider's day, or its date format, is another one, every "
        "prompt differs; give the date in chat_template_kwargs (date_string, in most templates)"
    )
    acts = bool(given) and _acts(evidence, variables, set(given))
    return Finding.of("dated_template", text, {"chat_template_kwargs": given}, warning=not acts)


def _acts(evidence: Evidence, variables: Mapping[str, object], names: set[str]) -> bool:
    """Whether these variables change what the template writes: some templates take no date."""
    if evidence.tokenizer is None or not evidence.prompts:
        return False
    without = {name: value for name, value in variables.items() if name not in names}
    prompt = evidence.prompts[0]
    return render(prompt, evidence.tokenizer, variables) != render(prompt, evidence.tokenizer, without)
