"""Reasoning that a provider sends apart from its answer, joined again as the model wrote it.

The chat template tells how: it is rendered with an assistant's message that holds reasoning, and what stands before,
between and after the two texts is the model's own way of writing them. Where the template drops the reasoning of a past
turn (as those of thinking models may), think tags are assumed. A think block that the generation prompt has opened
already is not opened twice.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Conversation
from token_difr.sequences.rendering import Tokenizer, rendered_text

__all__ = ["ReasoningJoin", "ReasoningJoiner"]

QUESTION = "Is it so?"
REASONING = "It may well be."
CONTENT = "It is."
OPEN, CLOSE = "<think>", "</think>"
OPENED = re.compile(r"<think>\s*\Z")
"""The end of a generation prompt that has opened the think block."""
CLOSED = re.compile(r"<think>\s*</think>\s*\Z")
"""The end of one that has closed it too: the model is not to think."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasoningJoin:
    """What the model writes around reasoning.

    Attributes:
        before: Ahead of the reasoning; "" where the generation prompt has written it.
        between: Between reasoning and answer.
        source: "template" where the template says so, "opened" where the generation prompt opens the block and the rest
            is assumed, "closed" where it closes the block, so that the provider has read another prompt, "assumed" where
            nothing tells.
        given: The opening of a thought that the generation prompt ends with, or "".
    """

    before: str
    between: str
    source: str
    given: str = ""

    def without_given(self, content: str) -> str:
        """``content`` without an opening that the server shows, and the generation prompt has written."""
        shown = self.given if content.startswith(self.given) else self.given.strip()
        return content.removeprefix(shown)

    def pieces(self, reasoning: str, content: str, *, finished: bool = True) -> list[tuple[str, bool]]:
        """The output's text in pieces, each with whether it is the template's own, whose special tokens count.

        White space that the texts hold already is not written twice: some providers strip it, some do not.

        Args:
            reasoning: The reasoning.
            content: The answer behind it.
            finished: Whether the output came to its end; one that was cut within its reasoning does not close it.
        """
        lead, core, trail = _apart(self.between)
        opening = self.before.rstrip()
        gap = self.before[len(opening) :]
        start = [(opening, True), (("" if gap and reasoning.startswith(gap[0]) else gap) + reasoning, False)]
        if not content and not finished:
            return start
        return [
            *start,
            ("" if lead and reasoning.endswith(lead[-1]) else lead, False),
            (core, True),
            (("" if trail and content.startswith(trail[0]) else trail) + content, False),
        ]


class ReasoningJoiner:
    """How answers to different prompts are joined with their reasoning.

    Args:
        tokenizer: The model's tokenizer.
        chat_template_kwargs: Variables of its chat template.
    """

    def __init__(self, tokenizer: Tokenizer, chat_template_kwargs: Mapping[str, Any] | None = None) -> None:
        self._tokenizer = tokenizer
        self._variables = chat_template_kwargs

    def join(self, prompt: Conversation) -> ReasoningJoin:
        """How reasoning that answers ``prompt`` is written.

        Raises:
            InputError: The template refuses the conversation.
        """
        written = rendered_text(prompt, self._tokenizer, add_generation_prompt=True, variables=self._variables)
        opened = OPENED.search(written)
        closed = CLOSED.search(written) is not None
        if self._by_template is not None:
            before, between = self._by_template
            # A generation prompt that ends as the template starts an answer has written that start.
            start = before.strip()
            is_written = bool(start) and written.rstrip().endswith(start)
            source = "closed" if closed else "template"
            given = opened[0] if opened is not None else start if is_written else ""
            return ReasoningJoin(before="" if is_written else before, between=between, source=source, given=given)
        if opened is not None:
            line = "\n" if opened[0].endswith("\n") else ""
            return ReasoningJoin(before="", between=f"{line}{CLOSE}{2 * line}", source="opened", given=opened[0])
        return ReasoningJoin(before=OPEN, between=CLOSE, source="closed" if closed else "assumed")

    @functools.cached_property
    def opening(self) -> str:
        """What the template writes ahead of an answer without reasoning, such as the channel of GPT-OSS; often "".

        An empty think block is none: models write it, or not, for reasons of their own. Nor is its end, where the
        generation prompt has opened the block: an answer's text holds the end of its own thought.
        """
        question: Conversation = [{"role": "user", "content": QUESTION}]
        try:
            header = self._text(question, add_generation_prompt=True)
        except InputError:
            return ""
        if OPEN in header.rpartition(QUESTION)[2]:
            return ""
        written = self._answer({})
        lead, found, _ = (written or "").partition(CONTENT)
        return lead if found and OPEN not in lead and lead.strip() else ""

    @functools.cached_property
    def _by_template(self) -> tuple[str, str] | None:
        """What the template writes before and between the texts; None where it drops the reasoning, or knows none."""
        written = self._answer({"reasoning_content": REASONING, "reasoning": REASONING, "thinking": REASONING})
        if written is None:
            return None
        before, found, rest = written.partition(REASONING)
        between, ended, _ = rest.partition(CONTENT)
        return (before, between) if found and ended and between.strip() else None

    def _answer(self, fields: Mapping[str, str]) -> str | None:
        """An answer as the template writes it behind the generation prompt; None where the two do not fit together."""
        question: Conversation = [{"role": "user", "content": QUESTION}]
        turn = [*question, {"role": "assistant", "content": CONTENT, **fields}]
        try:
            whole = self._text(turn, add_generation_prompt=False)
            header = self._text(question, add_generation_prompt=True)
        except InputError:  # a template that takes no assistant's message
            return None
        # A think block in the generation prompt is no part of the header: `join` sees to it.
        block = header.find(OPEN, header.find(QUESTION))
        header = header if block < 0 else header[:block]
        return whole.removeprefix(header) if whole.startswith(header) else None

    def _text(self, turn: Conversation, *, add_generation_prompt: bool) -> str:
        return rendered_text(
            turn, self._tokenizer, add_generation_prompt=add_generation_prompt, variables=self._variables
        )


def _apart(text: str) -> tuple[str, str, str]:
    """White space at both ends, and what stands between."""
    core = text.strip()
    lead = text[: len(text) - len(text.lstrip())]
    return lead, core, text[len(lead) + len(core) :]
