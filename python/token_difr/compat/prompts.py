"""``construct_prompts``: conversations to audit with."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from token_difr.answers.general import general_prompts
from token_difr.compat.tokens import prompt_ids
from token_difr.errors import InputError, TokenDifrWarning
from token_difr.records import Conversation
from token_difr.sequences import load_tokenizer

__all__ = ["construct_prompts"]

WILDCHAT = "allenai/WildChat-1M"


def construct_prompts(  # noqa: PLR0917  # the signature of 0.1
    n_prompts: int = 100,
    max_ctx_len: int = 512,
    tokenizer: Any = None,
    model_name: str | None = None,
    custom_prompts: list[Conversation] | None = None,
    system_prompt: str | None = "You are a helpful assistant.",
    *,
    source: Literal["general", "wildchat"] = "general",
    trust_remote_code: bool = False,
) -> list[Conversation]:
    """Conversations that end with a user's message, each once.

    Args:
        n_prompts: How many, at most.
        max_ctx_len: The longest, in tokens of the rendered conversation without the system prompt.
        tokenizer: Counts the tokens; None = that of ``model_name``.
        model_name: Folder of the tokenizer or its name on the Hugging Face hub.
        custom_prompts: Conversations of your own: the first ``n_prompts`` are taken as they are, whatever their length.
        system_prompt: Stands before each conversation; None = nothing does.
        source: "general": those that ship with the package, always the same ones. "wildchat": the English
            conversations of WildChat-1M, downloaded through the extra ``prompts``.
        trust_remote_code: Run the tokenizer's own code, if it comes with some.

    Raises:
        InputError: Neither ``tokenizer`` nor ``model_name`` is given, or there is no such source.
        ImportError: The extra ``prompts`` is not installed.
    """
    if custom_prompts is not None:
        return _with_system_prompt(custom_prompts[:n_prompts], system_prompt)
    if tokenizer is None:
        if model_name is None:
            raise InputError("Either tokenizer or model_name must be provided")
        tokenizer = load_tokenizer(model_name, trust_remote_code=trust_remote_code)
    chosen = list(islice(_fitting(_conversations(source), tokenizer, max_ctx_len), n_prompts))
    if len(chosen) < n_prompts and source == "general":
        warnings.warn(
            f"{n_prompts} prompts were asked for, and the general ones that fit are {len(chosen)}: "
            "source='wildchat' has more (pip install 'token-difr[prompts]')",
            TokenDifrWarning,
            stacklevel=2,
        )
    return _with_system_prompt(chosen, system_prompt)


def _conversations(source: str) -> Iterable[Conversation]:
    if source == "general":
        return general_prompts()
    if source != "wildchat":
        raise InputError(f"there is no source of prompts {source!r}; choose one of: general, wildchat")
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise ImportError("WildChat comes through the extra 'prompts': pip install 'token-difr[prompts]'") from error
    return wildchat_conversations(load_dataset(WILDCHAT, split="train"))


def wildchat_conversations(samples: Iterable[Mapping[str, Any]]) -> Iterator[Conversation]:
    """The English conversations up to the user's last message, without those that have an empty message."""
    for sample in samples:
        if sample["language"].lower() != "english":
            continue
        messages = [{"role": message["role"], "content": message["content"]} for message in sample["conversation"]]
        while messages and messages[-1]["role"] == "assistant":
            messages.pop()
        whole = all(message["content"] and message["content"].strip() for message in messages)
        if messages and messages[-1]["role"] == "user" and whole:
            yield messages


def _fitting(conversations: Iterable[Conversation], tokenizer: Any, longest: int) -> Iterator[Conversation]:
    seen = set()
    for conversation in conversations:
        ids = tuple(prompt_ids(conversation, tokenizer))
        if len(ids) <= longest and ids not in seen:
            seen.add(ids)
            yield conversation


def _with_system_prompt(conversations: Iterable[Conversation], system_prompt: str | None) -> list[Conversation]:
    first = [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
    return [[*map(dict, first), *conversation] for conversation in conversations]
