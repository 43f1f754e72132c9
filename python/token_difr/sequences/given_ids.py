"""The token ids that some providers send with their text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from token_difr.records import Response
from token_difr.sequences.broken_end import without_broken_end
from token_difr.sequences.decoding import decode_behind
from token_difr.sequences.rendering import Tokenizer

__all__ = ["answer_ids"]

MARKS = re.compile(r"(\s|</?think>|<\|\w+\|>|analysis|assistant|final)*")
"""What models write around reasoning: think tags, or the channels of GPT-OSS with or without their special tokens."""


def answer_ids(response: Response, tokenizer: Tokenizer, prompt_ids: Sequence[int] = ()) -> list[int] | None:
    """The ids in ``choices[0].token_ids`` of an answer (vLLM's place), the end token included.

    Text that was decoded behind the prompt (``prompt_ids``) counts, and so does text that was decoded alone: tokenizers
    of the SentencePiece kind give it another beginning.

    None where there are none, where one of them is no token of the model's, or where they do not decode to the text that
    was sent beside them, special tokens aside: what a provider's users get is the text, so that is what counts then.
    """
    ids = response.choice.get("token_ids")
    if not isinstance(ids, list) or not all(type(token) is int and 0 <= token < 2**32 - 1 for token in ids):
        return None
    return ids if _spells(ids, response, tokenizer, prompt_ids) else None


def _spells(ids: list[int], response: Response, tokenizer: Tokenizer, prompt_ids: Sequence[int]) -> bool:
    try:
        if not all(_is_token(token, tokenizer) for token in set(ids)):
            return False
        content = without_broken_end(response.content)
        # One after the other: the first is nearly always the one, and decoding takes longer than comparing.
        texts = _texts(ids, tokenizer, prompt_ids)
        return any(_is_text(without_broken_end(text), content, response.reasoning) for text in texts)
    except (OverflowError, IndexError, KeyError, TypeError, ValueError):  # ids beyond the tokenizer's vocabulary
        return False


def _is_token(token: int, tokenizer: Tokenizer) -> bool:
    """Whether an id stands for a token. Tokenizers decode one that does not to nothing, and a lone space too, perhaps."""
    if tokenizer.decode([token]):
        return True
    before = tokenizer.encode("x", add_special_tokens=False, split_special_tokens=True)
    return tokenizer.decode([*before, token]) != tokenizer.decode(before)


def _texts(ids: list[int], tokenizer: Tokenizer, prompt_ids: Sequence[int]) -> Iterator[str]:
    """What a server may show of these tokens: without special tokens or with them, alone or behind the prompt."""
    yield tokenizer.decode(ids, skip_special_tokens=True)
    yield tokenizer.decode(ids, skip_special_tokens=False)
    if prompt_ids:
        plain = [token for token in ids if tokenizer.decode([token], skip_special_tokens=True)]
        yield decode_behind(prompt_ids, plain, tokenizer)
        yield decode_behind(prompt_ids, ids, tokenizer)


def _is_text(text: str, content: str, reasoning: str) -> bool:
    if not reasoning:
        return text == content
    before, found, between = text.removesuffix(content).partition(reasoning)
    return text.endswith(content) and bool(found) and MARKS.fullmatch(before + between) is not None
