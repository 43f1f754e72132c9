"""The records of a run together, as findings and diagnosis look at them."""

from __future__ import annotations

from token_difr.findings import Evidence
from token_difr.run.directory import RunDirectory
from token_difr.sequences import Tokenizer

__all__ = ["evidence_of"]


def evidence_of(run: RunDirectory, tokenizer: Tokenizer | None = None) -> Evidence:
    """The records of ``run``, as the findings look at them.

    Raises:
        RunDirectoryError: Rows are missing.
    """
    batch, responses, sequences = run.batch(), run.responses(), run.sequences()
    order = range(len(run.prompts))
    return Evidence(
        audit=run.audit,
        prompts=run.prompts,
        responses=[responses[index] for index in order],
        sequences=[sequences[index] for index in order],
        batch=batch,
        tokenizer=tokenizer,
    )
