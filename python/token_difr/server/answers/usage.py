"""The ``usage`` object: tokens that a request took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from token_difr.server.generation import Generation

__all__ = ["usage"]


def usage(prompts: Iterable[Sequence[int]], generations: Sequence[Generation]) -> dict[str, Any]:
    """Tokens of the prompts, each counted once, and of all choices, which stand prompt by prompt.

    What of a prompt was cached is what its first choice found: the others find what that one has just computed.
    """
    lengths = [len(token_ids) for token_ids in prompts]
    prompt = sum(lengths)
    cached = sum(generation.cached_tokens for generation in generations[:: len(generations) // len(lengths)])
    completion = sum(len(generation.output) for generation in generations)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
