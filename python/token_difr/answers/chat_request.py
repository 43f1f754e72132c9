"""What a provider is sent for one conversation: every field that could act is said, and none that it would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from token_difr.errors import InputError
from token_difr.records import Asking, SamplingParams
from token_difr.services import ServiceProfile

__all__ = ["chat_fields", "check_asking", "refused_field", "split_fields"]

OPENAI_FIELDS = frozenset(
    {
        "frequency_penalty",
        "logprobs",
        "max_tokens",
        "presence_penalty",
        "seed",
        "temperature",
        "top_logprobs",
        "top_p",
    }
)
"""Fields that the openai SDK has parameters for; it takes all others as ``extra_body``."""


def chat_fields(
    profile: ServiceProfile, params: SamplingParams, *, index: int, max_tokens: int, asking: Asking
) -> dict[str, Any]:
    """The fields of a chat request beside model and messages.

    Args:
        profile: Whose fields. Its neutral values are sent too: a model's own defaults would act otherwise.
        params: How the provider is told to sample.
        index: Picks the seed, if there is one a conversation.
        max_tokens: The longest output, in tokens.
        asking: What else it is asked for.
    """
    fields: dict[str, Any] = {"max_tokens": max_tokens, "temperature": params.temperature, **profile.neutral}
    filters = {"top_p": params.top_p, "top_k": params.top_k, "min_p": params.min_p}
    off = {"top_p": 1.0, "top_k": 0, "min_p": 0.0}
    fields |= {name: value for name, value in filters.items() if value != off[name]}
    if params.seed is not None:
        fields["seed"] = params.seed_of(index)
    if asking.token_ids:
        fields["return_token_ids"] = True
    if asking.logprobs:
        fields |= profile.logprobs_fields(0)
    if asking.only is not None:
        fields["provider"] = {"only": [asking.only], "allow_fallbacks": False}
    if asking.chat_template_kwargs and profile.accepts("chat_template_kwargs"):
        fields["chat_template_kwargs"] = dict(asking.chat_template_kwargs)
    return fields


def check_asking(asking: Asking, profile: ServiceProfile) -> None:
    """Refuse, before anything is sent, what a service cannot do.

    Raises:
        InputError: ``only`` at a service that routes to nobody, or logprobs at one that gives none.
    """
    if asking.only is not None and not profile.accepts("provider"):
        raise InputError(
            f"only={asking.only!r} chooses a provider behind a router such as OpenRouter; {profile.name} is none"
        )
    if asking.logprobs and not profile.logprobs:
        raise InputError(f"{profile.name} gives no logprobs of its output: ask without them")


def split_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same as arguments of the openai SDK: what it has no parameter for goes into ``extra_body``."""
    extra = {name: value for name, value in fields.items() if name not in OPENAI_FIELDS}
    request = {name: value for name, value in fields.items() if name in OPENAI_FIELDS}
    return {**request, "extra_body": extra} if extra else request


def refused_field(message: str, status: int | None, neutral: Mapping[str, Any]) -> str | None:
    """The neutral field that a provider refused, by the words of its error; None where it is about something else."""
    if status not in {400, 422}:
        return None
    return next((name for name in neutral if re.search(rf"(?<![a-z_]){name}(?![a-z_])", message.lower())), None)
