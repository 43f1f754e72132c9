"""How a provider is asked, beside the sampling parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from token_difr.errors import InputError
from token_difr.records.part import SHARED

__all__ = ["Asking"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """How a provider is asked.

    Attributes:
        service: Name of its service (``token_difr.services.service_profiles``); None = told by its URL.
        only: The one provider behind a router (OpenRouter) that may answer; no other one may step in.
        chat_template_kwargs: Variables of the chat template, such as ``{"enable_thinking": False}``: sent where the
            service takes them, and used for our own rendering in any case.
        token_ids: Ask for the output's token ids too (``return_token_ids``, which vLLM and ``token-difr serve`` take).
        logprobs: Ask for the logprobs of the output's tokens too, to hold them against the reference's.

    Raises:
        InputError: Template variables whose names are no strings.
    """

    service: str | None = None
    only: str | None = None
    chat_template_kwargs: Mapping[str, Any] | None = field(default=None, metadata=SHARED)
    token_ids: bool = field(default=False, metadata=SHARED)
    logprobs: bool = False

    def __post_init__(self) -> None:
        if not all(isinstance(name, str) for name in self.chat_template_kwargs or {}):
            raise InputError(f"chat_template_kwargs has a name that is no string: {self.chat_template_kwargs!r}")
        # A copy, which nobody else changes; and no variables are no variables, however they were given.
        object.__setattr__(self, "chat_template_kwargs", dict(self.chat_template_kwargs or {}) or None)
