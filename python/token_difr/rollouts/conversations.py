"""A prompt as its provider gets it: as messages, or rendered here; and how its answers are joined."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from token_difr.answers import check_prompts
from token_difr.errors import InputError, PromptError
from token_difr.rollouts.config import Config
from token_difr.rollouts.thinking import CLOSE, OPEN, begun_thought, check_injection, family_of
from token_difr.sequences import Pieces, ReasoningJoiner, load_tokenizer, rendered_text, text_of

if TYPE_CHECKING:
    from token_difr.records import Conversation
    from token_difr.sequences import Tokenizer

__all__ = ["Join", "joiner_of", "messages_of", "rendered_prompt", "tokenizer_of"]


class Join(Protocol):
    """How reasoning and answer stand together."""

    def __call__(self, reasoning: str, content: str, *, finished: bool) -> str:
        """Both as the model's chat template writes them; ``finished``: whether the output came to its end by itself."""


def tokenizer_of(config: Config) -> Tokenizer:
    """The model's tokenizer.

    Raises:
        InputError: None was given, or it cannot be loaded.
    """
    if config.tokenizer is None:
        raise InputError(
            f"the prompt of {config.model} is rendered here: give its tokenizer, as tokenizer= (a name on the hub, a "
            "folder or a transformers tokenizer), or raw=True with a text that needs no chat template"
        )
    if isinstance(config.tokenizer, str | os.PathLike):
        return _loaded(os.fspath(config.tokenizer))
    return config.tokenizer


@functools.lru_cache(maxsize=8)
def _loaded(name: str) -> Tokenizer:
    return load_tokenizer(name)


def messages_of(config: Config, prompt: str | Sequence[Mapping[str, Any]]) -> tuple[Conversation, str]:
    """The conversation as it is sent, and the answer's beginning that it ends with."""
    begun = ""
    if isinstance(prompt, str):
        split = begun_thought(prompt)
        if split is not None and check_injection(config.model, config.think_tag):
            prompt, begun = split
    else:
        prompt = _messages_given(prompt)
        if prompt and prompt[-1].get("role") == "assistant":
            begun, prompt = _handed_over(config, prompt[-1]), prompt[:-1]
    asked = prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
    (messages,) = check_prompts([asked])
    return ([*messages, {"role": "assistant", "content": begun}] if begun else messages), begun


def _messages_given(prompt: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(prompt, Sequence) or not all(isinstance(message, Mapping) for message in prompt):
        raise PromptError(f"a prompt is a text or a list of messages, not {prompt!r:.200}")
    return prompt


def _handed_over(config: Config, message: Mapping[str, Any]) -> str:
    """The assistant's message that the model goes on with."""
    begun = message.get("content")
    if not isinstance(begun, str) or not begun:
        raise PromptError("the assistant's message at the end has no text to go on with")
    if OPEN in begun:
        unknown = config.think_tag is None and family_of(config.model) is None
        check_injection(config.model, True if unknown else config.think_tag)
    return begun


def rendered_prompt(config: Config, prompt: str | Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The prompt as text, rendered unless it is raw, and the answer's beginning at its end."""
    if config.raw:
        if not isinstance(prompt, str) or not prompt:
            raise InputError("raw=True takes a text, which is sent as it is")
        tail = prompt.rpartition(OPEN)
        return prompt, tail[1] + tail[2] if tail[1] and CLOSE not in tail[2] else ""
    messages, begun = messages_of(config, prompt)
    question = messages[:-1] if begun else messages
    text = rendered_text(
        question, tokenizer_of(config), add_generation_prompt=True, variables=config.chat_template_kwargs
    )
    opened = text.rstrip().endswith(OPEN)  # the template has opened the thought already
    return text + (begun.removeprefix(OPEN).lstrip("\n") if opened else begun), begun or (OPEN if opened else "")


def joiner_of(config: Config, tokenizer: Tokenizer, prompt: str | Sequence[Mapping[str, Any]]) -> Join:
    """How reasoning and answer to ``prompt`` are joined by the model's chat template."""
    asked = prompt if isinstance(prompt, str) else [dict(message) for message in prompt]
    conversation = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    pieces = Pieces(ReasoningJoiner(tokenizer, config.chat_template_kwargs), tokenizer, conversation)

    def join(reasoning: str, content: str, *, finished: bool) -> str:
        try:
            return text_of(next(pieces.of(reasoning, content, finished=finished)))
        except InputError:  # the provider's template took the conversation, ours refuses it
            return f"{reasoning}{CLOSE}{content}" if content or finished else reasoning

    return join
