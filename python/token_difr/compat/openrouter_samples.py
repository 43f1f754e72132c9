"""Answers of OpenRouter as token ids, and the file that token-difr 0.1 keeps of them."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from token_difr.compat.tokens import encode_thinking_response, prompt_ids
from token_difr.records import Conversation, TokenSequence
from token_difr.sequences import load_tokenizer
from token_difr.sequences.interchange import Samples
from token_difr.services import message_texts

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

__all__ = ["answer_texts", "save_results", "tokenize_openrouter_responses"]

Path = str | os.PathLike[str]


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
        _sequence(conversation, *answer_texts(completion), tokenizer, max_tokens)
        for conversation, completion in zip(conversations, responses, strict=True)
    ]


def answer_texts(completion: ChatCompletion) -> tuple[str, str]:
    """Content and reasoning, "" where there is none; the latter is a provider's addition to the SDK's message."""
    message = completion.choices[0].message
    names = ("content", "refusal", "reasoning", "reasoning_content")
    return message_texts({name: getattr(message, name, None) for name in names})


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
    :func:`~token_difr.compat.openrouter.run_all_prompts`.

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
    samples = [(conversation, *answer_texts(response)) for conversation, response in pairs]
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


def _sequence(
    conversation: Conversation, content: str, reasoning: str, tokenizer: Any, max_tokens: int | None
) -> TokenSequence:
    return TokenSequence(
        prompt_token_ids=prompt_ids(conversation, tokenizer),
        output_token_ids=encode_thinking_response(content, reasoning, tokenizer, max_tokens),
    )
