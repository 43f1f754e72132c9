"""The token ids that some providers send with their text."""

from __future__ import annotations

import re

from token_difr.records import Response
from token_difr.sequences.rendering import Tokenizer

__all__ = ["answer_ids"]

BROKEN_END = "\ufffd"
"""What an output that ends inside a character decodes to; some servers send it, some leave it out."""

MARKS = re.compile(r"(\s|</?think>|<\|\w+\|>|analysis|assistant|final)*")
"""What models write around reasoning: think tags, or the channels of GPT-OSS with or without their special tokens."""


def answer_ids(response: Response, tokenizer: Tokenizer) -> list[int] | None:
    """The ids in ``choices[0].token_ids`` of an answer (vLLM's place), the end token included.

    None where there are none, or where they do not decode to the text that was sent beside them, special tokens aside:
    what a provider's users get is the text, so that is what counts then.
    """
    ids = response.choice.get("token_ids")
    if not isinstance(ids, list) or not all(type(token) is int and 0 <= token < 2**32 - 1 for token in ids):
        return None
    return ids if _spells(ids, response, tokenizer) else None


def _spells(ids: list[int], response: Response, tokenizer: Tokenizer) -> bool:
    try:
        texts = [tokenizer.decode(ids, skip_special_tokens=skip) for skip in (True, False)]
    except (OverflowError, IndexError, KeyError, TypeError, ValueError):  # ids beyond the tokenizer's vocabulary
        return False
    content = response.content.rstrip(BROKEN_END)
    return any(_is_text(text.rstrip(BROKEN_END), content, response.reasoning) for text in texts)


def _is_text(text: str, content: str, reasoning: str) -> bool:
    if not reasoning:
        return text == content
    before, found, between = text.removesuffix(content).partition(reasoning)
    return text.endswith(content) and bool(found) and MARKS.fullmatch(before + between) is not None
