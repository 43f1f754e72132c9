"""Answers as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from token_difr.errors import InputError
from token_difr.records import Conversation, Response, TokenSequence
from token_difr.tokenize.answer_ids import answer_ids
from token_difr.tokenize.end_token import end_token
from token_difr.tokenize.render import Tokenizer, render

__all__ = ["TokenIds", "tokenize"]

TokenIds = Literal["auto", "ignore"]
"""What becomes of token ids in the answers."""


def tokenize(
    prompts: Sequence[Conversation],
    responses: Sequence[Response],
    tokenizer: Tokenizer,
    *,
    max_tokens: int | None = None,
    score_end: bool = True,
    token_ids: TokenIds = "auto",
) -> list[TokenSequence]:
    """Token ids of each response and of the prompt that it answers.

    The answer's text is encoded on its own, as text: what merely looks like a special token does not become one.
    Most providers send text, not ids, so this is the tokenizer's own way to write the text; an output that the model
    wrote with other tokens comes out different (rare at temperature 0, commoner the less likely the tokens). Answers
    that hold their token ids are taken at their word, if these decode to the text beside them; ids that do not are
    refused, and the text counts.

    Reasoning from a separate field is joined as ``<think>{reasoning}</think>{content}``, whatever the model's own
    template writes there, and even if the generation prompt has opened the think block already: for models that think,
    look at the first tokens before believing a mismatch.

    Args:
        prompts: The audit's conversations; a response's ``index`` picks its own.
        responses: The answers.
        tokenizer: The model's tokenizer.
        max_tokens: Outputs are cut to this length; None = not cut.
        score_end: Append the token that ends a turn (:func:`~token_difr.tokenize.end_token.end_token`) where the
            finish reason is "stop": the model did produce it.
        token_ids: "ignore" encodes the text even where an answer holds its ids.

    Returns:
        One sequence a response, in order.

    Raises:
        InputError: A response whose index has no prompt, a tokenizer without a chat template, or an unknown
            ``token_ids``.
    """
    if token_ids not in get_args(TokenIds):
        raise InputError(f"token_ids must be one of {', '.join(get_args(TokenIds))}, not {token_ids!r}")
    end = end_token(tokenizer) if score_end else None
    return [
        TokenSequence(
            prompt_token_ids=render(_prompt(prompts, response), tokenizer),
            output_token_ids=_output(response, tokenizer, end=end, token_ids=token_ids)[:max_tokens],
        )
        for response in responses
    ]


def _prompt(prompts: Sequence[Conversation], response: Response) -> Conversation:
    if not 0 <= response.index < len(prompts):
        raise InputError(f"a response has index {response.index}, but there are {len(prompts)} prompts")
    return prompts[response.index]


def _output(response: Response, tokenizer: Tokenizer, *, end: int | None, token_ids: TokenIds) -> list[int]:
    """The answer's ids, ``end`` after them where it stopped by itself; None = without."""
    stopped = response.finish_reason == "stop"
    ids = answer_ids(response, tokenizer) if token_ids == "auto" else None
    if ids is None:
        ids = _encoded(response, tokenizer)
    elif stopped and ids and not tokenizer.decode(ids[-1:], skip_special_tokens=True):
        return ids[:-1] if end is None else ids  # it ends with one of the model's end tokens
    return [*ids, end] if stopped and end is not None else ids


def _encoded(response: Response, tokenizer: Tokenizer) -> list[int]:
    text = response.content
    if response.reasoning:
        text = f"<think>{response.reasoning}</think>{text}"
    return list(tokenizer.encode(_well_formed(text), add_special_tokens=False, split_special_tokens=True))


def _well_formed(text: str) -> str:
    """``text`` with lone surrogates, which JSON may hold and no tokenizer takes, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
