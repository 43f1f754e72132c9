"""Whose model the demo's providers serve: the packaged one, or any other that this machine can run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from token_difr.answers import read_prompts
from token_difr.answers.general import general_prompts
from token_difr.demo_model import DEMO, PROMPTS_FILE
from token_difr.errors import InputError
from token_difr.records import Conversation
from token_difr.reference import local_model

__all__ = ["DemoModel"]


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A model, and what it is asked.

    Attributes:
        name: As the server and tokenizers take it: a folder, a GGUF file, or "demo".
        questions: The conversations to draw from: the packaged model's own, else those that ship for audits.
        max_tokens: Longest answer.
    """

    name: str
    questions: list[Conversation]
    max_tokens: int

    @classmethod
    def named(cls, name: str, *, max_tokens: int) -> Self:
        """A model by its name.

        Raises:
            InputError: It is neither "demo" nor a folder or a GGUF file.
        """
        path = local_model(name)
        if path is None:
            raise InputError(f"--model {name}: there is no model's folder and no GGUF file of that name")
        if name == DEMO:
            return cls(name, read_prompts(PROMPTS_FILE), max_tokens)
        return cls(str(path), general_prompts(), max_tokens)
