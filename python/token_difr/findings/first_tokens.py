"""Whether the outputs begin as the reference would begin them."""

from __future__ import annotations

import numpy as np

from token_difr.findings.evidence import Evidence
from token_difr.records import Finding

__all__ = ["wrong_tokenizer"]

FEWEST = 10
"""Sequences from which on the first tokens say something."""
STRANGE_FIRSTS = 0.5
"""Share of first tokens outside the reference's rows from which on the two sides read different prompts."""


def wrong_tokenizer(evidence: Evidence) -> Finding | None:
    """Whether the first output tokens are so unlikely that tokenizer, template or reference must be another model's.

    Always a warning: the fault is most likely ours, and the verdict then says nothing of the provider. Check that
    ``tokenizer``, chat template and the reference's model are those of the model under audit.
    """
    batch = evidence.batch
    starts = batch.sequence_indptr[:-1][np.diff(batch.sequence_indptr) > 0]
    if len(starts) < FEWEST:
        return None
    strange = 0
    for j in starts.tolist():
        row = batch.token_ids[batch.indptr[j] : batch.indptr[j + 1]]
        strange += len(row) > 0 and int(batch.claimed[j]) not in row
    if strange <= STRANGE_FIRSTS * len(starts):
        return None
    text = (
        f"{strange} of {len(starts)} outputs begin with a token that is not among the reference's likeliest: is "
        "the tokenizer, or the chat template, another model's?"
    )
    figures = {"outputs": len(starts), "first_token_outside_the_row": strange}
    return Finding.of("wrong_tokenizer", text, figures, warning=True)
