"""The provider's count of the prompt's tokens against ours."""

from __future__ import annotations

from collections import Counter

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding

__all__ = ["prompt_surplus", "prompt_token_count"]

NAME = "prompt_token_count"
MOST_SHOWN = 10


def prompt_token_count(evidence: Evidence) -> Finding | None:
    """Whether the provider's ``usage`` counts the tokens that we rendered: free evidence of hidden text.

    A warning where the counts differ. The same difference in every prompt is text that was added (or a template that
    writes more): look whether the template writes something by default, such as a system prompt or a date, and give it.
    Differences that vary are another tokenizer, or another way to count: check that the tokenizer is the model's.
    """
    differences = prompt_surplus(evidence)
    if not differences:
        text = "the provider does not count the prompts' tokens, so nothing tells whether it read others than ours"
        return Finding.of(NAME, text, {"counted": 0}, warning=False)
    counts = Counter(differences.values())
    shown = {str(difference): count for difference, count in counts.most_common(MOST_SHOWN)}
    figures = {"counted": len(differences), "prompts_by_difference": shown, "distinct_differences": len(counts)}
    return Finding.of(NAME, _text(counts), figures, warning=set(counts) != {0})


def prompt_surplus(evidence: Evidence) -> dict[int, int]:
    """By how many tokens the provider's count of each prompt is above ours, by index; of prompts that it counts."""
    return {
        response.index: response.prompt_tokens - len(sequence.prompt_token_ids)
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
        if response.prompt_tokens is not None
    }


def _text(counts: Counter[int]) -> str:
    total = sum(counts.values())
    if set(counts) == {0}:
        return f"the provider counts as many prompt tokens as we rendered, in all of {total} prompts"
    if len(counts) > 1:
        low, high, right = min(counts), max(counts), counts[0]
        return (
            f"the provider's count of the prompts' tokens is ours in {right} of {total} prompts, elsewhere {low:+d} to "
            f"{high:+d} beside it: another tokenizer or chat template, or a count of its own kind"
        )
    (difference,) = counts
    if difference > 0:
        return (
            f"the provider counts {difference} tokens more than we rendered in every prompt: a hidden system prompt, or "
            "a chat template that writes more than ours"
        )
    return (
        f"the provider counts {-difference} tokens fewer than we rendered in every prompt: a chat template that writes "
        "less than ours, or a count without its tokens"
    )
