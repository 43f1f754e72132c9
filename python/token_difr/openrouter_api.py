"""Answers through OpenRouter, with the functions that token-difr 0.1 has under this path.

Two revisions are in use, and both work: ``generate_openrouter_responses`` with ``tokenize_openrouter_responses``, and the
older ``openrouter_request`` with ``run_all_prompts``. New work uses :func:`token_difr.answers` and
:func:`token_difr.sequences`, which keep answers as they arrive.

A provider that is named is the only one that may answer: OpenRouter would otherwise fall back to others, and the audit
would judge somebody else.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from token_difr.answers.chat_answer import chat_response
from token_difr.compat.tokens import encode_thinking_response, prompt_ids
from token_difr.endpoint import ask_all, endpoint_error, quoted, shown_url
from token_difr.errors import AnswerError
from token_difr.records import Conversation, TokenSequence
from token_difr.sequences import load_tokenizer
from token_difr.sequences.interchange import Samples

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

__all__ = [
    "generate_openrouter_responses",
    "openrouter_request",
    "run_all_prompts",
    "save_results",
    "tokenize_openrouter_responses",
]

T = TypeVar("T")
Path = str | os.PathLike[str]


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


def tokenize_openrouter_responses(
    conversations: Sequence[Conversation],
    responses: Sequence[ChatCompletion],
    tokenizer: Any,
    max_tokens: int | None = None,
) -> list[TokenSequence]:
    """Token ids of prompts and answers.

    Args:
        conversations: What was asked.
        responses: The answers, in the same order.
        tokenizer: The model's, of transformers.
        max_tokens: Answers are cut to this number; None = not cut.

    Raises:
        ValueError: Not one answer a conversation.
    """
    return [
        _sequence(conversation, *_texts(completion), tokenizer, max_tokens)
        for conversation, completion in zip(conversations, responses, strict=True)
    ]


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
    return _texts(await _complete(client, model, messages, provider, request))


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


@overload
def save_results(
    conversations: Sequence[Conversation],
    responses: Sequence[ChatCompletion],
    save_path: Path,
    config: Mapping[str, object],
    model_name: str,
    max_tokens: int,
    *,
    trust_remote_code: bool = False,
) -> None: ...
@overload
def save_results(
    samples: Sequence[tuple[Conversation, str, str]],
    save_path: Path,
    config: Mapping[str, object],
    model_name: str,
    max_tokens: int,
    *,
    trust_remote_code: bool = False,
) -> None: ...
def save_results(*arguments: Any, **named: Any) -> None:  # noqa: D417  # the names of both forms are described
    """Save prompts and answers as token ids, in vLLM's shape, and say so on standard output.

    Both revisions' forms are taken: ``save_results(conversations, responses, save_path, config, model_name,
    max_tokens)`` and ``save_results(samples, save_path, config, model_name, max_tokens)`` with the samples of
    :func:`run_all_prompts`.

    Args:
        conversations: What was asked.
        responses: The answers, in the same order.
        samples: Instead of both: prompts with content and reasoning of their answers.
        save_path: The file; an older one is replaced.
        config: Stored with the samples.
        model_name: Folder of the tokenizer or its name on the Hugging Face hub.
        max_tokens: Answers are cut to this number.
        trust_remote_code: Run the tokenizer's own code, if it comes with some.

    Raises:
        InputError: There is no such tokenizer.
        ValueError: Not one answer a conversation.
    """
    released = {"responses", "conversations"} & named.keys() or (
        len(arguments) > 1 and not isinstance(arguments[1], str | os.PathLike)
    )
    (_save_responses if released else _save_samples)(*arguments, **named)


def _save_responses(  # noqa: PLR0917  # the signature of 0.1
    conversations: Sequence[Conversation],
    responses: Sequence[ChatCompletion],
    save_path: Path,
    config: Mapping[str, object],
    model_name: str,
    max_tokens: int,
    *,
    trust_remote_code: bool = False,
) -> None:
    pairs = zip(conversations, responses, strict=True)
    samples = [(conversation, *_texts(response)) for conversation, response in pairs]
    _save_samples(samples, save_path, config, model_name, max_tokens, trust_remote_code=trust_remote_code)


def _save_samples(
    samples: Sequence[tuple[Conversation, str, str]],
    save_path: Path,
    config: Mapping[str, object],
    model_name: str,
    max_tokens: int,
    *,
    trust_remote_code: bool = False,
) -> None:
    tokenizer = load_tokenizer(model_name, trust_remote_code=trust_remote_code)
    sequences = [_sequence(*sample, tokenizer, max_tokens) for sample in samples]
    Samples(config=config, sequences=sequences).write(save_path)
    sys.stdout.write(f"Saved {len(sequences)} samples to {save_path}\n")


# What inspect, help() and editors show: the released form.
save_results.__signature__ = inspect.signature(_save_responses)  # type: ignore[attr-defined]


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
        chat_response(0, body, sent={})
    except AnswerError as error:
        reason = body.get("error") and quoted(body["error"], client)
        raise AnswerError(f"{shown_url(client)}: {error}{f': {reason}' if reason else ''}") from None
    return completion


async def _all(
    items: Sequence[Conversation], ask: Callable[[Conversation], Awaitable[T]], *, concurrency: int, label: str
) -> list[T]:
    answers: dict[int, T] = {}

    async def keep(index: int) -> None:
        answers[index] = await ask(items[index])

    await ask_all(range(len(items)), keep, concurrency=concurrency, label=label)
    return [answers[index] for index in range(len(items))]


def _texts(completion: ChatCompletion) -> tuple[str, str]:
    """Content and reasoning; the latter is OpenRouter's addition to the message."""
    message = completion.choices[0].message
    return message.content or "", getattr(message, "reasoning", None) or ""


def _sequence(
    conversation: Conversation, content: str, reasoning: str, tokenizer: Any, max_tokens: int | None
) -> TokenSequence:
    return TokenSequence(
        prompt_token_ids=prompt_ids(conversation, tokenizer),
        output_token_ids=encode_thinking_response(content, reasoning, tokenizer, max_tokens),
    )
