"""What an endpoint is asked: questions to which a model has many answers, so that sampling shows."""

from __future__ import annotations

from token_difr.records import Conversation

__all__ = ["QUESTIONS", "default_prompts"]

QUESTIONS = (
    "Write the first paragraph of a story that begins in a train station at night.",
    "Describe a room that you have never seen.",
    "Invent an animal and explain how it lives.",
    "Write a letter from a lighthouse keeper to a friend.",
    "Tell me something surprising about bread.",
    "Make up a proverb and explain what it means.",
    "Describe the weather on an imaginary planet.",
    "Write a short dialog between two clocks.",
    "Suggest an unusual hobby and how to begin with it.",
    "Explain to a child why people build bridges.",
    "Write the opening of a speech about rivers.",
    "Invent a holiday and describe how it is celebrated.",
)


def default_prompts() -> list[Conversation]:
    """One conversation a question."""
    return [[{"role": "user", "content": question}] for question in QUESTIONS]
