"""Making a prompt fit the context, as its request wants: cut, or refused before much time is spent on it."""

from __future__ import annotations

from token_difr.server.answers.requests.bodies import GenerationFields
from token_difr.server.answers.requests.limits import Limits

__all__ = ["PromptFit"]


class PromptFit:
    """What one request's prompts go through.

    Args:
        fields: Says whether they are cut, and at which side.
        limits: The context.
        max_tokens: What the request wants behind them; None = it does not say.
    """

    def __init__(self, fields: GenerationFields, limits: Limits, max_tokens: int | None) -> None:
        self._keep = fields.truncate_prompt_tokens
        self._side = fields.truncation_side
        self._limits = limits
        self._reserved = max_tokens

    @property
    def cuts(self) -> bool:
        """Whether prompts may lose tokens."""
        return self._keep is not None

    def check_text(self, text: str) -> None:
        """Refuses a text, before it is tokenized, that cannot fit and is not to be cut."""
        if not self.cuts:
            self._limits.check_text(text)

    def cut(self, token_ids: list[int]) -> list[int]:
        """The tokens that stay."""
        return self._limits.truncated(token_ids, self._keep, side=self._side, reserved=self._reserved)
