"""Which answers of two runs are to the same prompt."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from token_difr.records import Conversation

__all__ = ["counterparts", "pairs_by_prompt", "prompt_digests"]

LEAST_SHARED = 0.5


def prompt_digests(prompts: Sequence[Conversation]) -> tuple[str, ...]:
    """SHA-256, in hexadecimal, of each conversation as JSON without spaces and with sorted keys."""
    canonical = (json.dumps(messages, sort_keys=True, separators=(",", ":")) for messages in prompts)
    return tuple(hashlib.sha256(text.encode("ascii")).hexdigest() for text in canonical)


def pairs_by_prompt(candidate: Sequence[str], baseline: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """The answers to the same prompts, each in one pair; a prompt that comes several times is paired in order.

    Args:
        candidate: The digests of the candidate's prompts.
        baseline: The digests of the baseline's prompts.

    Returns:
        int64[n, 2], indexes (candidate, baseline); None where the baseline has less than half of the candidate's prompts:
        then more is known from all answers unpaired.
    """
    left = defaultdict(list)
    for index in reversed(range(len(baseline))):
        left[baseline[index]].append(index)
    pairs = [(index, left[digest].pop()) for index, digest in enumerate(candidate) if left[digest]]
    return np.array(pairs, np.int64) if pairs and len(pairs) >= LEAST_SHARED * len(candidate) else None


def counterparts(
    candidate: Sequence[str], baseline: Sequence[str], *, paired: bool | None = None
) -> tuple[bool, npt.NDArray[np.int64]]:
    """Which answer of the baseline each of the candidate's is held against when answers are looked at one by one.

    Args:
        candidate: The digests of the candidate's prompts, in the order in which they are asked.
        baseline: The digests of the baseline's prompts.
        paired: Whether by prompt; None = where the baseline has at least half of the candidate's prompts.

    Returns:
        Whether by prompt, and int64[n, 2], indexes (candidate, baseline) in the candidate's order: by prompt, or else both in
        their own order, up to the shorter one's end.
    """
    pairs = None if paired is False else pairs_by_prompt(candidate, baseline)
    if pairs is not None:
        return True, pairs
    return False, np.repeat(np.arange(min(len(candidate), len(baseline)))[:, None], 2, axis=1)
