"""What every form of a choice's ``logprobs`` can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from token_difr.server.generation.logprob_rows import LogprobRows

__all__ = ["SMALLEST_LOGPROB", "LogprobWriter"]

SMALLEST_LOGPROB = -9999.0
"""JSON has no infinity: what vLLM and Fireworks write for -inf."""


class LogprobWriter(Protocol):
    """Collects tokens with their logprobs and hands them out in the form of one API."""

    def add_prompt(self, prompt: Sequence[int], rows: LogprobRows | None, *, last: int | None) -> None:
        """Echoed prompt tokens, before any of the output.

        Args:
            prompt: Token ids.
            rows: Row j scores token j + 1; None for a prompt of one token.
            last: Only so many tokens at the end are echoed; None = all of them, with a row for the first one too.
        """
        ...

    def add_output(self, rows: LogprobRows, sampling_logprobs: Sequence[float]) -> None:
        """Generated tokens; ``sampling_logprobs`` is empty or has one value a token."""
        ...

    def take(self) -> dict[str, Any]:
        """The object of everything that was added since the last call."""
        ...
