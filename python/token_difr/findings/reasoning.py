"""Reasoning that came apart from the answers."""

from __future__ import annotations

from collections import Counter

from token_difr.findings.evidence import Evidence
from token_difr.records import Fidelity, Finding
from token_difr.sequences import ReasoningJoiner

__all__ = ["reasoning_joined"]

WORDS = {
    "template": "as the chat template writes it",
    "opened": "behind the think block that the generation prompt opens, its end assumed",
    "assumed": "between think tags, which nothing confirms",
    "confirmed": "as the provider's ids or its count of them confirm",
    "closed": "although our prompt closes the think block: the provider has read another one",
}
"""How an answer was joined, by :attr:`~token_difr.sequences.ReasoningJoin.source` where nothing confirms it."""

DOUBTFUL = ("assumed", "closed")
CONFIRMED = (Fidelity.IDS, Fidelity.COUNTED)


def reasoning_joined(evidence: Evidence) -> Finding | None:
    """How reasoning from a separate field was joined with the answers.

    A warning where nothing confirms the join, or where our prompt had closed the think block: tokens around the reasoning
    may be none of the model's, and are scored against it. Ask for token ids (``token_ids``) or for completions, where the
    provider gives them; for a closed block, send the template variables that close it to the provider too.
    """
    tokenizer = evidence.tokenizer
    if tokenizer is None or not any(response.reasoning for response in evidence.responses):
        return None
    joiner = ReasoningJoiner(tokenizer, evidence.audit.asking.chat_template_kwargs)
    answers = zip(evidence.prompts, evidence.responses, evidence.sequences, strict=True)
    sources = Counter(
        "confirmed" if sequence.fidelity in CONFIRMED else joiner.join(prompt).source
        for prompt, response, sequence in answers
        if response.reasoning
    )
    text = "; ".join(f"{count} answers {WORDS[source]}" for source, count in sources.items())
    return Finding.of(
        "reasoning_joined",
        f"reasoning came apart from the answers and was joined: {text}",
        dict(sources),
        warning=any(sources[source] for source in DOUBTFUL),
    )
