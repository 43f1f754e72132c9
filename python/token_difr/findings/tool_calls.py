"""Answers that call tools."""

from __future__ import annotations

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.sequences import calls_tools

__all__ = ["tool_calls"]

MOST_SHOWN = 10


def tool_calls(evidence: Evidence) -> Finding | None:
    """Answers that call tools: scored as the template writes them, or left out.

    A warning where some are left out: the verdict is on the other answers alone. Audit with prompts that call no tools,
    or ask for token ids (``token_ids``), where the provider gives them.
    """
    calls = [
        (response.index, len(sequence.output_token_ids))
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
        if calls_tools(response)
    ]
    if not calls:
        return None
    left_out = [index for index, length in calls if length == 0]
    text = (
        f"{len(calls)} answers call tools; {len(left_out)} of them are left out, since the chat template does not "
        "write the calls where the model did"
    )
    figures = {"answers": len(calls), "left_out": left_out[:MOST_SHOWN]}
    return Finding.of("tool_calls", text, figures, warning=bool(left_out))
