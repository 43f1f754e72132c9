"""The token that ends an answer."""

from __future__ import annotations

from token_difr.errors import InputError
from token_difr.findings.evidence import Evidence
from token_difr.records import Finding
from token_difr.sequences import end_token, ends_answers

__all__ = ["end_token_scored"]


def end_token_scored(evidence: Evidence) -> Finding | None:
    """Whether the token that ends an answer is scored too.

    Never a warning: an answer whose end is not scored has one token less, and that is all.
    """
    tokenizer = evidence.tokenizer
    stopped = sum(response.ended is True for response in evidence.responses)
    if tokenizer is None or not stopped:
        return None
    try:
        end = end_token(tokenizer)
    except InputError:
        return None
    scored = sum(
        response.ended is True and len(ids := sequence.output_token_ids) > 0 and ends_answers(ids[-1], tokenizer)
        for response, sequence in zip(evidence.responses, evidence.sequences, strict=True)
    )
    text = f"{stopped} of {len(evidence.responses)} answers ended by themselves; the end is scored in {scored} of them"
    return Finding.of("end_token", text, {"stopped": stopped, "scored": scored, "token_id": end}, warning=False)
