"""What the checks look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from token_difr.records import Audit, Conversation, Response, TokenSequence, TopKBatch
from token_difr.sequences import Tokenizer

__all__ = ["Evidence"]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The records of a finished run, one of each a prompt, in order.

    Attributes:
        audit: What was audited, and how.
        prompts: The conversations.
        responses: The provider's answers.
        sequences: The same as token ids.
        batch: The reference's rows.
        tokenizer: The model's tokenizer; None where it is not here, and checks that need it are left out.
    """

    audit: Audit
    prompts: Sequence[Conversation]
    responses: Sequence[Response]
    sequences: Sequence[TokenSequence]
    batch: TopKBatch
    tokenizer: Tokenizer | None = None
