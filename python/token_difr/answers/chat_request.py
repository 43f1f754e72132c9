"""What an audit asks of a chat endpoint: every field that could act is said, and none that it would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from token_difr.records import Asking, SamplingParams
from token_difr.services import RequestOptions, ServiceProfile, common_fields, routing_to
from token_difr.services import chat_fields as fields_of_chat
from token_difr.services import completion_fields as fields_of_completions

__all__ = ["asked_options", "chat_fields", "completion_fields", "refused_field"]


def chat_fields(
    profile: ServiceProfile, params: SamplingParams, *, index: int, max_tokens: int, asking: Asking, begun: bool = False
) -> dict[str, Any]:
    """The fields of a chat request beside model and messages.

    Args:
        profile: Whose fields. Its neutral values are said too.
        params: How the provider is told to sample.
        index: Picks the seed, if there is one a conversation.
        max_tokens: The longest output, in tokens.
        asking: What else it is asked for.
        begun: Whether the conversation ends with the beginning of the answer.
    """
    options = asked_options(params, index=index, max_tokens=max_tokens, asking=asking, begun=begun)
    return {**common_fields(profile, options, say_neutral=True), **fields_of_chat(profile, options)}


def completion_fields(
    profile: ServiceProfile, params: SamplingParams, *, index: int, max_tokens: int, asking: Asking
) -> dict[str, Any]:
    """The fields of a completions request beside model and prompt; arguments as of :func:`chat_fields`."""
    options = asked_options(params, index=index, max_tokens=max_tokens, asking=asking)
    return {**common_fields(profile, options, say_neutral=True), **fields_of_completions(profile, options)}


def asked_options(
    params: SamplingParams, *, index: int, max_tokens: int, asking: Asking, begun: bool = False
) -> RequestOptions:
    """What one conversation's request asks for."""
    return RequestOptions(
        sampling={
            "max_tokens": max_tokens,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "top_k": params.top_k,
            "min_p": params.min_p,
        },
        seed=params.seed_of(index),
        routing=None if asking.only is None else routing_to(asking.only),
        token_ids=asking.token_ids,
        logprobs=0 if asking.logprobs else None,
        template_variables=asking.chat_template_kwargs,
        begun=begun,
    )


def refused_field(message: str, status: int | None, neutral: Mapping[str, Any]) -> str | None:
    """The neutral field that a provider refused, by the words of its error; None where it is about something else."""
    if status not in {400, 422}:
        return None
    return next((name for name in neutral if re.search(rf"(?<![a-z_]){name}(?![a-z_])", message.lower())), None)
