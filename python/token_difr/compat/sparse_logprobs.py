"""Rows as objects of Python, as token-difr 0.1 hands them about; new work uses :class:`token_difr.TopKBatch`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PositionLogprobs", "SparseLogprobs"]

PositionLogprobs = list[tuple[int, float]] | None
"""(token id, logprob) of the top tokens at one position; None = nothing is known there."""


@dataclass
class SparseLogprobs:
    """The rows of one sequence's output tokens.

    Attributes:
        index: The sequence's place among those that were given.
        gen_ids: Its output tokens.
        logprobs: One row an output token.
    """

    index: int
    gen_ids: list[int]
    logprobs: list[PositionLogprobs]
