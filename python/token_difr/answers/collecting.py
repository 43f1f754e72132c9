"""Asking the provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from token_difr.answers.prompts import check_prompts
from token_difr.answers.provider import ChatProvider, Provider
from token_difr.endpoint import ask_all
from token_difr.errors import InputError
from token_difr.records import Asking, Conversation, Response, SamplingParams
from token_difr.services import TOKEN_IDS_FIELD, profile_named, profile_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["as_provider", "asks_token_ids", "check_asked", "collect"]

NOTHING: Mapping[int, Response] = MappingProxyType({})


async def collect(
    prompts: Sequence[Conversation],
    *,
    client: AsyncOpenAI | Provider,
    model: str,
    params: SamplingParams | None = None,
    max_tokens: int = 200,
    asking: Asking | None = None,
    concurrency: int = 8,
    answered: Mapping[int, Response] = NOTHING,
    keep: Callable[[Response], None] | None = None,
    progress: bool = True,
) -> list[Response]:
    """Ask the provider to answer every conversation that has no answer yet.

    Args:
        prompts: The conversations.
        client: A client of the provider, whose ``max_retries`` are the only retries; or any
            :class:`~token_difr.answers.Provider`.
        model: The model that the provider is asked for.
        params: How it is told to sample; None = temperature 0. One seed a sequence if ``params.seed`` is a tuple.
        max_tokens: The longest output, in tokens.
        asking: How a ``client`` is asked beside that; not for a ``Provider``, which knows.
        concurrency: Requests in flight.
        answered: Answers that are here already, by index; not asked for again.
        keep: Called with every answer as it arrives.
        progress: Show a progress bar on standard error, if that is a terminal.

    Returns:
        One answer a conversation, in order.

    Raises:
        PromptError: A conversation that cannot be sent.
        InputError: ``max_tokens`` below 1, not one seed a conversation, or something the service cannot do.
        EndpointError: See :func:`~token_difr.endpoint.ask_all`; what has arrived went to ``keep``.
    """
    prompts = check_prompts(prompts)
    params = params or SamplingParams()
    check_asked(len(prompts), params, max_tokens)
    provider = as_provider(client, asking)
    responses = {index: answered[index] for index in range(len(prompts)) if index in answered}

    async def ask(index: int) -> None:
        response = await provider.answer(index, prompts[index], model=model, params=params, max_tokens=max_tokens)
        responses[index] = response
        if keep is not None:
            keep(response)

    missing = [index for index in range(len(prompts)) if index not in responses]
    await ask_all(missing, ask, concurrency=concurrency, label="collect", progress=progress)
    return [responses[index] for index in range(len(prompts))]


def check_asked(prompts: int, params: SamplingParams, max_tokens: int) -> None:
    """Refuse what no provider can be asked.

    Raises:
        InputError: ``max_tokens`` below 1, or not one seed a prompt.
    """
    if max_tokens < 1:
        raise InputError(f"max_tokens must be at least 1, not {max_tokens!r}")
    params.check_seeds(prompts, "prompt")


def as_provider(client: AsyncOpenAI | Provider, asking: Asking | None = None) -> Provider:
    """``client`` as something that answers.

    Raises:
        InputError: ``asking`` what the service cannot do, or beside a ``Provider``.
    """
    if isinstance(client, Provider):
        if asking is not None and (asking.service or asking.only):
            raise InputError(f"{type(client).__name__} decides itself whom it asks: leave out service and only")
        return client
    return ChatProvider(client, asking)


def asks_token_ids(url: str, choice: bool | None, *, service: str | None = None) -> bool:
    """Whether the provider at ``url`` is to be asked for token ids: ``choice``, if one was made.

    Else wherever the service takes the field, at every temperature: what a tokenizer would write again is often not what
    a model wrote, and at temperature 0 too one such answer in a hundred looks like a fault of the provider's.

    Args:
        url: Its base URL.
        choice: The user's; None = as the service does.
        service: What the provider is; None = as its URL tells.
    """
    if choice is not None:
        return choice
    profile = profile_of(url) if service is None else profile_named(service)
    return profile.accepts(TOKEN_IDS_FIELD)
