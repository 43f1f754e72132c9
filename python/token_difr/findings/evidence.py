"""What the checks look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from token_difr.records import AuditIdentity, Conversation, Response, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.sequences import Tokenizer

__all__ = ["Evidence"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The records of a finished run, one of each a prompt, in order.

    Attributes:
        identity: What was audited, and how.
        prompts: The conversations.
        responses: The provider's answers.
        sequences: The same as token ids.
        batch: The reference's rows.
        tokenizer: The model's tokenizer; None where it is not here, and checks that need it are left out.
    """

    identity: AuditIdentity
    prompts: Sequence[Conversation]
    responses: Sequence[Response]
    sequences: Sequence[TokenSequence]
    batch: TopKBatch
    tokenizer: Tokenizer | None = None

    @classmethod
    def of(cls, run: RunDirectory, tokenizer: Tokenizer | None = None) -> Evidence:
        """The records of ``run``.

        Raises:
            RunDirectoryError: Rows are missing.
        """
        batch, responses, sequences = run.batch(), run.responses(), run.sequences()
        order = range(len(run.prompts))
        return cls(
            identity=run.identity,
            prompts=run.prompts,
            responses=[responses[index] for index in order],
            sequences=[sequences[index] for index in order],
            batch=batch,
            tokenizer=tokenizer,
        )
