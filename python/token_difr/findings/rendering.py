"""How the conversations and answers became tokens, where that leaves a choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from token_difr.errors import InputError
from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.sequences import ReasoningJoiner, calls_tools, end_token, render

__all__ = ["dated_template", "end_token_scored", "reasoning_joined", "tool_calls"]

DATE_CALL = "strftime_now"
"""The function by which chat templates write today's date."""


def dated_template(evidence: Evidence) -> Finding | None:
    """Whether the chat template writes the day's date, which the provider's may write otherwise."""
    template = getattr(evidence.tokenizer, "chat_template", None)
    texts = list(template.values()) if isinstance(template, Mapping) else [template]
    if not any(isinstance(text, str) and DATE_CALL in text for text in texts):
        return None
    variables = evidence.audit.asking.chat_template_kwargs or {}
    given = sorted(name for name in variables if "date" in name)
    return Finding(
        name="dated_template",
        level="note" if given and _acts(evidence, set(given)) else "warning",
        text=(
            "the chat template writes today's date: where the provider's day, or its date format, is another one, every "
            "prompt differs; give the date in chat_template_kwargs (date_string, in most templates)"
        ),
        evidence={"chat_template_kwargs": given},
    )


def _acts(evidence: Evidence, names: set[str]) -> bool:
    """Whether these variables change what the template writes: some templates take no date."""
    if evidence.tokenizer is None or not evidence.prompts:
        return False
    variables = evidence.audit.asking.chat_template_kwargs or {}
    without = {name: value for name, value in variables.items() if name not in names}
    prompt = evidence.prompts[0]
    return render(prompt, evidence.tokenizer, variables) != render(prompt, evidence.tokenizer, without)


def reasoning_joined(evidence: Evidence) -> Finding | None:
    """How reasoning from a separate field was joined with the answers."""
    tokenizer = evidence.tokenizer
    if tokenizer is None or not any(response.reasoning for response in evidence.responses):
        return None
    joiner = ReasoningJoiner(tokenizer, evidence.audit.asking.chat_template_kwargs)
    sources: Counter[str] = Counter()
    for prompt, response in zip(evidence.prompts, evidence.responses, strict=True):
        if response.reasoning:
            sources[joiner.join(prompt).source] += 1
    words = {
        "template": "as the chat template writes it",
        "opened": "behind the think block that the generation prompt opens, its end assumed",
        "assumed": "between think tags, which nothing confirms",
        "closed": "although our prompt closes the think block: the provider has read another one",
    }
    text = "; ".join(f"{count} answers {words[source]}" for source, count in sources.items())
    return Finding(
        name="reasoning_joined",
        level="warning" if sources["assumed"] or sources["closed"] else "note",
        text=f"reasoning came apart from the answers and was joined: {text}",
        evidence=dict(sources),
    )


def tool_calls(evidence: Evidence) -> Finding | None:
    """Answers that call tools: scored as the template writes them, or left out."""
    calls = [
        (response.index, len(sequence.output_token_ids))
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
        if calls_tools(response)
    ]
    if not calls:
        return None
    left_out = [index for index, length in calls if length == 0]
    return Finding(
        name="tool_calls",
        level="warning" if left_out else "note",
        text=(
            f"{len(calls)} answers call tools; {len(left_out)} of them are left out, since the chat template does not "
            "write the calls where the model did"
        ),
        evidence={"answers": len(calls), "left_out": left_out[:10]},
    )


def end_token_scored(evidence: Evidence) -> Finding | None:
    """Whether the token that ends an answer is scored too."""
    tokenizer = evidence.tokenizer
    stopped = sum(response.finish_reason == "stop" for response in evidence.responses)
    if tokenizer is None or not stopped:
        return None
    try:
        end = end_token(tokenizer)
    except InputError:
        return None
    scored = sum(
        response.finish_reason == "stop" and len(ids := sequence.output_token_ids) > 0 and ids[-1] == end
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
    )
    return Finding(
        name="end_token",
        level="note",
        text=f"{stopped} of {len(evidence.responses)} answers ended by themselves; the end is scored in {scored} of them",
        evidence={"stopped": stopped, "scored": scored, "token_id": end},
    )
