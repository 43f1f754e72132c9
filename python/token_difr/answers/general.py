"""General prompts that ship with the package, for audits that bring none of their own."""

from __future__ import annotations

from pathlib import Path

from token_difr.answers.prompts import read_prompts
from token_difr.records import Conversation

__all__ = ["general_prompts"]

GENERAL_PROMPTS = Path(__file__).parent / "general_prompts.jsonl"


def general_prompts() -> list[Conversation]:
    """More than 200 English conversations of many kinds, written for this project; each ends with the user's message."""
    return read_prompts(GENERAL_PROMPTS)
