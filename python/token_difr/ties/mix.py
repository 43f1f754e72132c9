"""Ordinary requests among which ties are sent: whoever would treat a tie better has to find it.

They are general questions on the same path as the ties, for 100 tokens, or for as many as the ties where those are asked for
more than one (``extra_tokens``): a request for a single token is not hidden by others. Their answers are paid for and thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from token_difr.answers.general import general_prompts
from token_difr.records import Conversation
from token_difr.sequences import Tokenizer, render, rendered_text

__all__ = ["Mix", "OrdinaryRequest"]


class OrdinaryRequest(NamedTuple):
    """A general question.

    Attributes:
        conversation: As a chat endpoint is sent it.
        text: The same as the chat template writes it.
        prompt_token_ids: And as token ids.
    """

    conversation: Conversation
    text: str
    prompt_token_ids: list[int]


@dataclass(frozen=True, slots=True)
class Mix:
    """So many ordinary requests, spread over all ties of an audit.

    Attributes:
        requests: In all.
        ties: How many ties the audit has in all.
        tokenizer: The model's tokenizer.
    """

    requests: int
    ties: int
    tokenizer: Tokenizer

    def beside(self, places: Sequence[int]) -> list[OrdinaryRequest]:
        """Those that go with the ties of these places: the same number whenever they are asked, and all together ``requests``."""
        count = sum(self._before(place + 1) - self._before(place) for place in places)
        if not count:
            return []
        questions = general_prompts()
        drawn = np.random.default_rng().integers(0, len(questions), count)
        return [self._made(questions[one]) for one in drawn]

    def _made(self, question: Conversation) -> OrdinaryRequest:
        text = rendered_text(question, self.tokenizer, add_generation_prompt=True)
        return OrdinaryRequest(question, text, render(question, self.tokenizer))

    def _before(self, place: int) -> int:
        return place * self.requests // self.ties
