"""Ordinary requests among which ties are sent: whoever would treat a tie better has to find it.

They are general questions on the same path as the ties, for 100 tokens, or for as many as the ties where those are asked for
more than one (``extra_tokens``): a request for a single token is not hidden by others. Their answers are paid for and thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from token_difr.answers.general import general_prompts
from token_difr.records import Conversation

__all__ = ["Mix"]


@dataclass(frozen=True, slots=True)
class Mix:
    """So many ordinary requests, spread over all ties of an audit.

    Attributes:
        requests: In all.
        ties: How many ties the audit has in all.
    """

    requests: int
    ties: int

    def beside(self, places: Sequence[int]) -> list[Conversation]:
        """Those that go with the ties of these places: the same number whenever they are asked, and all together ``requests``."""
        count = sum(self._before(place + 1) - self._before(place) for place in places)
        if not count:
            return []
        questions = general_prompts()
        drawn = np.random.default_rng().integers(0, len(questions), count)
        return [questions[one] for one in drawn]

    def _before(self, place: int) -> int:
        return place * self.requests // self.ties
