"""General prompts that ship with the package, for audits that bring none of their own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from token_difr.answers.prompts import read_prompts
from token_difr.records import Conversation

__all__ = ["general_prompts"]

GENERAL_PROMPTS = Path(__file__).parent / "general_prompts.jsonl"
FURTHER_PROMPTS = Path(__file__).parent / "further_prompts.jsonl"
"""What ``scripts/write_prompts.py`` wrote."""


def general_prompts() -> list[Conversation]:
    """More than 2,600 conversations of many kinds and lengths; each ends with the user's message.

    The first 228 are English and were written by hand. The others, in thirteen languages, were written by a program: of
    hand-written words, and of names and numbers that CPython has.
    """
    return list(_read())


@cache
def _read() -> tuple[Conversation, ...]:
    """Once a process: ties among ordinary requests draw from them batch by batch."""
    return (*read_prompts(GENERAL_PROMPTS), *read_prompts(FURTHER_PROMPTS))
