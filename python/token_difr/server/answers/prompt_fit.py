"""Making a prompt fit the context, as its request wants: cut, or refused before much time is spent on it."""

from __future__ import annotations

from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.answers.requests.limits import Limits

__all__ = ["AnyLength", "PromptFit"]

_SPARE_TOKENS = 64


class PromptFit:
    """What one request's prompts go through.

    Args:
        fields: Says whether they are cut, and at which side.
        limits: The context.
        max_tokens: What the request wants behind them; None = it does not say.
    """

    def __init__(self, fields: GenerationFields, limits: Limits, max_tokens: int | None) -> None:
        wanted = fields.truncate_prompt_tokens
        self._kept = None if wanted is None else limits.kept_tokens(wanted, reserved=max_tokens)
        self._from_left = fields.truncation_side == "left"
        self._limits = limits

    def text(self, text: str) -> str:
        """The part of a text that is tokenized: all of it, unless it is cut and too long for any of the rest to stay.

        Raises:
            ApiError: 400 for one that cannot fit and is not to be cut.
        """
        if self._kept is None:
            self._limits.check_text(text)
            return text
        if self._limits.bytes_a_token is None:
            self._limits.check_size(text)
            return text
        # More characters than these tokens can stand for; some tokens more, since the first ones of a part may be others.
        longest = (self._kept + _SPARE_TOKENS) * self._limits.bytes_a_token
        return text[-longest:] if self._from_left else text[:longest]

    def cut(self, token_ids: list[int]) -> list[int]:
        """The tokens that stay."""
        if self._kept is None:
            return token_ids
        return token_ids[-self._kept :] if self._from_left else token_ids[: self._kept]


class AnyLength:
    """What goes through whole, whether it fits the context or not: its tokens are only counted.

    Args:
        limits: How much text is tokenized at once.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def text(self, text: str) -> str:
        """The text.

        Raises:
            ApiError: 400 for one that would take too much memory.
        """
        self._limits.check_size(text)
        return text

    @staticmethod
    def cut(token_ids: list[int]) -> list[int]:
        """All of them."""
        return token_ids
