"""What a request says: every field in the service's own spelling, by its table.

An audit and a rollouts client ask for the same things in the same fields. They differ in one point, which is an
argument here (``say_neutral``): an audit must know what acted, so that it says every value that changes nothing; rollouts
say what their caller chose, since their requests are the keys of answers that were paid for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from token_difr.services.profiles import ServiceProfile

__all__ = [
    "CHAT_PATH",
    "COMPLETIONS_PATH",
    "TOKEN_IDS_FIELD",
    "RequestOptions",
    "chat_fields",
    "common_fields",
    "completion_fields",
    "routing_to",
]

CHAT_PATH, COMPLETIONS_PATH = "/chat/completions", "/completions"
"""Where requests go, below the base URL."""

TOKEN_IDS_FIELD = "return_token_ids"
"""The field that asks for the output's token ids."""

NOTHING: Mapping[str, Any] = MappingProxyType({})

OFF: Mapping[str, float] = MappingProxyType(
    {
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "repetition_penalty": 1.0,
    }
)
"""Our own spelling of "off"; a service's is in its table."""

UNCHOSEN = frozenset({"presence_penalty", "frequency_penalty"})
"""Fields that every caller of rollouts has a value for, whether or not it chose one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestOptions:
    """What a request asks for, in nobody's spelling.

    Attributes:
        sampling: Fields that services call by the same name: ``temperature``, ``max_tokens``, filters, penalties, ``stop``
            and so on. None = not asked for.
        seed: Sampling seed; None = not a part of these fields.
        routing: Which providers behind a router may answer, in OpenRouter's terms.
        token_ids: Whether the output's token ids are asked for.
        logprobs: How many of the likeliest tokens come with their logprobs, beside the tokens' own; None = no logprobs.
        template_variables: Variables of the chat template.
        begun: Whether the conversation ends with the beginning of the answer.
        echo: Whether a completions endpoint is to give the prompt back, with its logprobs.
    """

    sampling: Mapping[str, Any]
    seed: int | None = None
    routing: Mapping[str, Any] | None = None
    token_ids: bool = False
    logprobs: int | None = None
    template_variables: Mapping[str, Any] | None = None
    begun: bool = False
    echo: bool = False


def common_fields(profile: ServiceProfile, options: RequestOptions, *, say_neutral: bool) -> dict[str, Any]:
    """The fields that both endpoints take.

    Args:
        profile: Whose fields.
        options: What is asked for.
        say_neutral: Say every value that changes nothing, in the service's spelling of "off", and leave our own
            spelling of it out: a model's own defaults would act otherwise. False says values as they are given; a
            penalty of 0 that the service does not take is nobody's choice, and left out.
    """
    fields: dict[str, Any] = dict(profile.neutral) if say_neutral else {}
    for name, value in options.sampling.items():
        unsaid = value == OFF.get(name) and (say_neutral or (name in UNCHOSEN and not profile.accepts(name)))
        if value is not None and not unsaid:
            fields[name] = _json(value)
    if options.seed is not None:
        fields["seed"] = options.seed
    if options.routing is not None:
        fields["provider"] = dict(options.routing)
    if options.token_ids:
        fields[TOKEN_IDS_FIELD] = True
    return fields


def chat_fields(profile: ServiceProfile, options: RequestOptions) -> dict[str, Any]:
    """The fields that the chat endpoint takes beside ``common_fields``, model and messages."""
    fields: dict[str, Any] = {}
    if options.logprobs is not None:
        fields |= logprobs_fields(profile.logprobs_form, options.logprobs)
    if options.template_variables and profile.accepts("chat_template_kwargs"):
        fields["chat_template_kwargs"] = dict(options.template_variables)
    return {**fields, **(profile.prefill if options.begun else NOTHING)}


def completion_fields(profile: ServiceProfile, options: RequestOptions) -> dict[str, Any]:
    """The fields that the completions endpoint takes beside ``common_fields``, model and prompt."""
    fields: dict[str, Any] = {}
    if options.logprobs is not None:
        fields |= logprobs_fields(profile.completions_logprobs_form, options.logprobs)
    return {**fields, "echo": True} if options.echo else fields


def logprobs_fields(form: str, topk: int) -> dict[str, Any]:
    """The fields for the tokens' own logprobs and the ``topk`` likeliest, in one of the forms of ``services.toml``."""
    if form in {"number", "positive"}:
        return {"logprobs": max(topk, 1 if form == "positive" else 0)}
    return {"logprobs": True, **({"top_logprobs": topk} if topk or form == "pair" else {})}


def routing_to(provider: str) -> dict[str, Any]:
    """OpenRouter's routing object that lets one provider answer, and no other one step in."""
    return {"only": [provider], "allow_fallbacks": False}


def _json(value: Any) -> Any:
    """Mappings and sequences as JSON has them."""
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
