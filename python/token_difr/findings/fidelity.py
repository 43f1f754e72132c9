"""How surely the tokens are the ones that the model wrote."""

from __future__ import annotations

from collections import Counter

from token_difr.findings.evidence import Evidence
from token_difr.records import Fidelity, Finding

__all__ = ["incomplete_answers", "other_counts", "repaired_answers"]

MOST_SHOWN = 10


def incomplete_answers(evidence: Evidence) -> Finding | None:
    """Answers that say of themselves that parts of them were not sent: reasoning that is counted, encrypted or summed up.

    Always a warning: they cannot be scored, and the verdict is on the others alone. Ask the provider for its reasoning,
    for token ids (``token_ids``) or for answers without reasoning.
    """
    missing = [
        response.index
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
        if sequence.fidelity is Fidelity.INCOMPLETE
    ]
    if not missing:
        return None
    text = f"{len(missing)} of {len(evidence.responses)} answers were not sent whole: these are not scored"
    figures = {"answers": len(evidence.responses), "incomplete": len(missing), "first": missing[:MOST_SHOWN]}
    return Finding.of("incomplete_answers", text, figures, warning=True)


def repaired_answers(evidence: Evidence) -> Finding | None:
    """Answers whose text was cut into other tokens than the tokenizer's own, as the reference finds likelier by far.

    Never a warning: their text is what was sent. Each says so in its record (``repaired``).
    """
    repaired = [
        response.index
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
        if sequence.repaired
    ]
    if not repaired:
        return None
    text = (
        f"{len(repaired)} of {len(evidence.responses)} answers were repaired: their text is scored in other tokens than the "
        "tokenizer's own, which the reference finds far likelier"
    )
    figures = {"answers": len(evidence.responses), "repaired": len(repaired), "first": repaired[:MOST_SHOWN]}
    return Finding.of("repaired_answers", text, figures, warning=False)


def other_counts(evidence: Evidence) -> Finding | None:
    """Whether the provider's counts of its answers' tokens agree with these tokens at all.

    A warning where they do not: they are another tokenizer's, or a router's own, and nothing tells which answers were
    written with other tokens. Ask for token ids (``token_ids``), where the provider gives them.
    """
    counted = [
        sequence.fidelity
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
        if response.completion_tokens is not None
    ]
    kinds = Counter(counted)
    if not kinds[Fidelity.UNCOUNTED]:
        return None
    text = (
        f"the provider counts its answers' tokens in another way than the model's tokenizer: its counts say nothing of "
        f"{kinds[Fidelity.UNCOUNTED]} answers"
    )
    return Finding.of("other_counts", text, {"answers": kinds[Fidelity.UNCOUNTED]}, warning=True)
