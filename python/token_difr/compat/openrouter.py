"""Answers through OpenRouter, as both revisions of token-difr 0.1 ask for them.

The released one has ``generate_openrouter_responses``, the older one ``openrouter_request`` and ``run_all_prompts``. New work
uses :mod:`token_difr.answers`, which keeps answers as they arrive.

A provider that is named is the only one that may answer: OpenRouter would otherwise fall back to others, and the audit
would judge somebody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from token_difr.compat.openrouter_samples import answer_texts
from token_difr.endpoint import ask_all, endpoint_error, mask_of, quoted, shown_url
from token_difr.errors import AnswerError
from token_difr.records import Conversation
from token_difr.services import read_answer

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

__all__ = ["generate_openrouter_responses", "openrouter_request", "run_all_prompts"]

T = TypeVar("T")


async def generate_openrouter_responses(  # noqa: PLR0917  # the signature of 0.1
    client: AsyncOpenAI,
    conversations: Sequence[Conversation],
    model: str,
    provider: str | None,
    temperature: float = 0.0,
    max_tokens: int = 100,
    concurrency: int = 8,
    seed: int | None = None,
) -> list[ChatCompletion]:
    """Answers to all conversations, in their order.

    Args:
        client: A client of OpenRouter.
        conversations: What to ask.
        model: OpenRouter's name of the model.
        provider: The provider behind OpenRouter that must answer; None = OpenRouter's choice.
        temperature: Sampling temperature.
        max_tokens: The longest answer, in tokens.
        concurrency: Requests in flight.
        seed: Sampling seed; None = not sent.

    Raises:
        EndpointError: A request failed after the SDK's own retries.
    """
    given = {} if seed is None else {"seed": seed}

    async def ask(conversation: Conversation) -> ChatCompletion:
        request = {"max_tokens": max_tokens, "temperature": temperature, **given}
        return await _complete(client, model, conversation, provider, request)

    return await _all(conversations, ask, concurrency=concurrency, label=f"OpenRouter ({provider or 'any'})")


async def openrouter_request(  # noqa: PLR0917  # the signature of the older revision
    client: AsyncOpenAI,
    model: str,
    messages: Conversation,
    max_tokens: int,
    temperature: float,
    provider: str | None,
) -> tuple[str, str]:
    """Content and reasoning of one answer, "" where there is none; for the rest see generate_openrouter_responses."""
    request = {"max_tokens": max_tokens, "temperature": temperature}
    return answer_texts(await _complete(client, model, messages, provider, request))


async def run_all_prompts(  # noqa: PLR0917  # the signature of the older revision
    client: AsyncOpenAI,
    model: str,
    prompts: Sequence[Conversation],
    max_tokens: int,
    temperature: float,
    provider: str | None,
    concurrency: int = 8,
) -> list[tuple[Conversation, str, str]]:
    """Each prompt with content and reasoning of its answer, in the order of the prompts."""

    async def ask(prompt: Conversation) -> tuple[Conversation, str, str]:
        content, reasoning = await openrouter_request(client, model, prompt, max_tokens, temperature, provider)
        return prompt, content, reasoning

    return await _all(prompts, ask, concurrency=concurrency, label=f"OpenRouter ({provider or 'any'})")


async def _complete(
    client: AsyncOpenAI, model: str, messages: Conversation, provider: str | None, request: Mapping[str, Any]
) -> ChatCompletion:
    import openai

    create: Any = client.chat.completions.create  # messages of any role, as they stand
    routing = {} if provider is None else {"extra_body": {"provider": {"only": [provider]}}}
    try:
        completion: ChatCompletion = await create(model=model, messages=messages, **request, **routing)
    except openai.OpenAIError as error:
        raise endpoint_error(error, client=client, model=model) from error
    except ValueError as error:
        raise AnswerError(f"{shown_url(client)} answered something that is not JSON; is the URL right?") from error
    # OpenRouter answers HTTP 200 with an error inside where a provider failed; a wrong URL may answer anything.
    body = completion.model_dump() if hasattr(completion, "model_dump") else None
    if body is None:
        raise AnswerError(f"{shown_url(client)} answered something that is no chat completion; is the URL right?")
    try:
        read_answer(body)
    except AnswerError as error:
        reason = body.get("error") and quoted(body["error"], client)
        raise AnswerError(f"{shown_url(client)}: {error}{f': {reason}' if reason else ''}") from None
    masked = mask_of(client).answer(body)
    return completion if masked == body else type(completion).model_construct(**masked)


async def _all(
    items: Sequence[Conversation], ask: Callable[[Conversation], Awaitable[T]], *, concurrency: int, label: str
) -> list[T]:
    answers: dict[int, T] = {}

    async def keep(index: int) -> None:
        answers[index] = await ask(items[index])

    await ask_all(range(len(items)), keep, concurrency=concurrency, label=label)
    return [answers[index] for index in range(len(items))]
