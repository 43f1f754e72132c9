"""Conversations and answers as the token ids that token-difr 0.1 made of them.

The stages know more: where the template itself opens the think block, which token ends an answer. What is here keeps to
the old bytes, so that scripts and saved files stay comparable; :mod:`token_difr.sequences` is for new work.
"""

from __future__ import annotations

from typing import Any

from token_difr.records import Conversation

__all__ = ["encode_thinking_response", "prompt_ids"]


def prompt_ids(conversation: Conversation, tokenizer: Any) -> list[int]:
    """Token ids of a conversation in the tokenizer's chat template, up to where the answer begins.

    Asks no more of a tokenizer than 0.1 does, which :func:`token_difr.render` would: scripts bring stand-ins.
    """
    text = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    return list(tokenizer.encode(text, add_special_tokens=False))


def encode_thinking_response(
    content: str, reasoning: str | None, tokenizer: Any, max_tokens: int | None = None
) -> list[int]:
    """Token ids of an answer: ``<think>{reasoning}</think>{content}``, or the content where there is no reasoning.

    Args:
        content: The answer.
        reasoning: What came in a separate field; None or "" = nothing.
        tokenizer: The model's, of transformers; it adds no special tokens.
        max_tokens: The ids are cut to this number; None = not cut.
    """
    text = f"<think>{reasoning}</think>{content}" if reasoning else content
    return list(tokenizer.encode(text, add_special_tokens=False))[:max_tokens]
