"""Thoughts: read off an answer, and begun by a prompt.

A prompt that holds ``<think>`` begins the model's thought: what stands behind the tag is handed over as the beginning of
the answer, for the model to go on with.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

from token_difr.errors import InputError

__all__ = ["CLOSE", "OPEN", "Family", "Thought", "begun_thought", "check_injection", "family_of", "split_thought"]

OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A family of models, by ``thinking_families.toml``.

    Attributes:
        name: What it is called.
        words: Any of these lists of words, all of them in a model's name, makes it a member.
        injection: Whether it goes on with a thought that the prompt began.
        reason: Why not.
    """

    name: str
    words: tuple[tuple[str, ...], ...]
    injection: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thought:
    """An answer's parts.

    Attributes:
        reasoning: The thought; "" without one.
        content: What came after it.
        completed: Whether the thought came to its end; None without one.
    """

    reasoning: str
    content: str
    completed: bool | None


@functools.cache
def families() -> tuple[Family, ...]:
    """All families, in the table's order."""
    file = resources.files("token_difr.rollouts") / "thinking_families.toml"
    tables = tomllib.loads(file.read_text("utf-8"))["family"]
    return tuple(Family(**{**table, "words": tuple(map(tuple, table["words"]))}) for table in tables)


def family_of(model: str) -> Family | None:
    """The family of a model, by its name; None if it is in none."""
    lowered = model.lower()
    return next((each for each in families() if any(all(word in lowered for word in w) for w in each.words)), None)


def begun_thought(prompt: str) -> tuple[str, str] | None:
    """A prompt's question, and the beginning of the answer that it holds, tag included; None where it holds none.

    The first tag counts; all behind it is thought. ``"2+2? <think>"`` begins an empty one.
    """
    question, tag, begun = prompt.partition(OPEN)
    return (question.strip(), tag + begun) if tag else None


def check_injection(model: str, think_tag: bool | None) -> bool:
    """Whether a thought that the prompt begins is handed to the model; False = the tag is text like any other.

    Args:
        model: Its name.
        think_tag: The user's choice; None = as its family does.

    Raises:
        InputError: A family that cannot take it, or one that is not known and no choice.
    """
    if think_tag is False:
        return False
    family = family_of(model)
    if family is not None and not family.injection:
        raise InputError(f"{model} ({family.name}) cannot go on with a thought that the prompt begins: {family.reason}")
    if family is None and think_tag is None:
        raise InputError(
            f"the prompt holds {OPEN}, and whether {model} goes on with a thought that a prompt begins is not known: "
            "say think_tag=True if it does, False if the tag is text"
        )
    return True


def split_thought(content: str, reasoning: str, *, is_open: bool = False) -> Thought:
    """The parts of an answer.

    Args:
        content: The answer's text.
        reasoning: Reasoning from a separate field, or "".
        is_open: Whether the prompt has opened the thought.
    """
    if reasoning:
        return Thought(reasoning=reasoning, content=content, completed=bool(content))
    thought, closed, rest = content.partition(CLOSE)
    opened = thought.lstrip().startswith(OPEN)
    if opened:
        thought = thought.lstrip().removeprefix(OPEN)
    if closed:  # without the opening tag too: the chat template, or the prompt, has written it
        return Thought(reasoning=thought, content=rest, completed=True)
    if opened or is_open:
        return Thought(reasoning=thought, content="", completed=False)
    return Thought(reasoning="", content=content, completed=None)
