"""Conversations as the model reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from token_difr.errors import InputError
from token_difr.records import Conversation
from token_difr.sequences.template_limits import (
    TEMPLATE_FAULTS,
    TemplateLimitError,
    bounded_rendering,
    check_rendering,
    check_template,
)

__all__ = ["Tokenizer", "render", "rendered_text"]


class Tokenizer(Protocol):
    """What the stages use of a transformers tokenizer."""

    chat_template: Any
    eos_token_id: int | None

    def apply_chat_template(
        self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool, **variables: Any
    ) -> Any:
        """The conversation as text, if ``tokenize`` is False."""

    def encode(self, text: str, *, add_special_tokens: bool, split_special_tokens: bool) -> list[int]:
        """Token ids of ``text``."""

    def decode(self, token_ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """Text of token ids, special tokens included unless they are skipped."""


def render(
    messages: Conversation, tokenizer: Tokenizer, chat_template_kwargs: Mapping[str, Any] | None = None
) -> list[int]:
    """Token ids of a conversation in the model's chat template, ready for the answer's first token.

    As servers do it: the template's text is encoded as a whole, and text of a message that spells a special token
    becomes that token.

    Args:
        messages: The conversation.
        tokenizer: The model's tokenizer.
        chat_template_kwargs: Variables of the template, such as ``{"enable_thinking": False}``.

    Raises:
        InputError: The tokenizer has no chat template, or the template refuses the conversation.
    """
    text = rendered_text(messages, tokenizer, add_generation_prompt=True, variables=chat_template_kwargs)
    return tokenizer.encode(text, add_special_tokens=False, split_special_tokens=False)


def rendered_text(
    messages: Conversation,
    tokenizer: Tokenizer,
    *,
    add_generation_prompt: bool,
    variables: Mapping[str, Any] | None = None,
) -> str:
    """A conversation as the chat template writes it.

    Raises:
        InputError: The tokenizer has no chat template, or the template refuses the conversation, or is too long, takes too
            long or writes too much.
    """
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise InputError("the tokenizer has no chat template, so conversations cannot be rendered with it")
    try:
        check_template(tokenizer.chat_template)
        with bounded_rendering():
            text = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=add_generation_prompt, **(variables or {})
            )
        check_rendering(text)
    except TemplateLimitError as error:
        raise InputError(
            f"the tokenizer's chat template is not used: {error}; give a tokenizer with another one (--tokenizer)"
        ) from error
    except (TemplateError, *TEMPLATE_FAULTS) as error:  # whatever the template's code does
        raise InputError(f"the chat template refuses a conversation: {error}") from error
    return str(text)
