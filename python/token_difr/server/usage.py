"""The ``usage`` object: tokens that a request took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from token_difr.server.batching import Generation

__all__ = ["usage"]


def usage(prompts: Iterable[Sequence[int]], generations: Sequence[Generation]) -> dict[str, Any]:
    """Tokens of the prompts, each counted once, and of all choices."""
    prompt = sum(len(token_ids) for token_ids in prompts)
    completion = sum(len(generation.output) for generation in generations)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": max(generation.cached_tokens for generation in generations)},
    }
