"""Whether what was scored can be what it should be: outputs that are no answers, a tokenizer that is another model's."""

from __future__ import annotations

import numpy as np

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding

__all__ = ["odd_outputs", "wrong_tokenizer"]

SHORT = 3
"""Outputs below this many tokens are short."""
MANY = 0.2
"""Share of odd outputs from which on they are a warning."""
FEWEST = 10
"""Sequences from which on the first tokens say something."""
STRANGE_FIRSTS = 0.5
"""Share of first tokens outside the reference's rows from which on the two sides read different prompts."""


def odd_outputs(evidence: Evidence) -> Finding | None:
    """Outputs that are empty, short, of one token over and over, or that decode to broken characters."""
    outputs = [list(sequence.output_token_ids) for sequence in evidence.sequences]
    if not outputs:
        return None
    tokenizer = evidence.tokenizer
    figures = {
        "empty": sum(not ids for ids in outputs),
        "short": sum(0 < len(ids) < SHORT for ids in outputs),
        "constant": sum(len(ids) >= SHORT and len(set(ids)) == 1 for ids in outputs),
        # The last character may be cut by the length limit.
        "undecodable": 0 if tokenizer is None else sum("\ufffd" in tokenizer.decode(ids)[:-1] for ids in outputs),
    }
    odd = {name: count for name, count in figures.items() if count}
    if not odd:
        return None
    words = ", ".join(f"{count} {name}" for name, count in odd.items())
    return Finding(
        name="odd_outputs",
        level="warning" if sum(odd.values()) > MANY * len(outputs) else "note",
        text=f"of {len(outputs)} outputs are {words}: little can be read off these",
        evidence={"outputs": len(outputs), **figures},
    )


def wrong_tokenizer(evidence: Evidence) -> Finding | None:
    """Whether the first output tokens are so unlikely that tokenizer, template or reference must be another model's."""
    batch = evidence.batch
    starts = batch.sequence_indptr[:-1][np.diff(batch.sequence_indptr) > 0]
    if len(starts) < FEWEST:
        return None
    strange = 0
    for j in starts.tolist():
        row = batch.token_ids[batch.indptr[j] : batch.indptr[j + 1]]
        strange += len(row) > 0 and int(batch.claimed[j]) not in row
    share = strange / len(starts)
    if share <= STRANGE_FIRSTS:
        return None
    return Finding(
        name="wrong_tokenizer",
        level="warning",
        text=(
            f"{strange} of {len(starts)} outputs begin with a token that is not among the reference's likeliest: is "
            "the tokenizer, or the chat template, another model's?"
        ),
        evidence={"outputs": len(starts), "first_token_outside_the_row": strange},
    )
