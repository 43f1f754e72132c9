"""Answers as token ids."""

from __future__ import annotations

from collections.abc import Sequence

from token_difr.errors import InputError
from token_difr.records import Conversation, Response, TokenSequence
from token_difr.tokenize.render import Tokenizer, render

__all__ = ["tokenize"]


def tokenize(
    prompts: Sequence[Conversation],
    responses: Sequence[Response],
    tokenizer: Tokenizer,
    *,
    max_tokens: int | None = None,
    score_end: bool = True,
) -> list[TokenSequence]:
    """Token ids of each response and of the prompt that it answers.

    The answer's text is encoded on its own, as text: what merely looks like a special token does not become one.
    Providers send text, not ids, so this is the tokenizer's own way to write the text; an output that the model wrote
    with other tokens comes out different (rare at temperature 0, commoner the less likely the tokens).

    Reasoning from a separate field is joined as ``<think>{reasoning}</think>{content}``, whatever the model's own
    template writes there, and even if the generation prompt has opened the think block already: for models that think,
    look at the first tokens before believing a mismatch.

    Args:
        prompts: The audit's conversations; a response's ``index`` picks its own.
        responses: The answers.
        tokenizer: The model's tokenizer.
        max_tokens: Outputs are cut to this length; None = not cut.
        score_end: Append the end-of-sequence token where the finish reason is "stop": the model did produce it.

    Returns:
        One sequence a response, in order.

    Raises:
        InputError: A response whose index has no prompt, or a tokenizer without a chat template.
    """
    return [
        TokenSequence(
            prompt_token_ids=render(_prompt(prompts, response), tokenizer),
            output_token_ids=_output(response, tokenizer, score_end=score_end)[:max_tokens],
        )
        for response in responses
    ]


def _prompt(prompts: Sequence[Conversation], response: Response) -> Conversation:
    if not 0 <= response.index < len(prompts):
        raise InputError(f"a response has index {response.index}, but there are {len(prompts)} prompts")
    return prompts[response.index]


def _output(response: Response, tokenizer: Tokenizer, *, score_end: bool) -> list[int]:
    text = response.content
    if response.reasoning:
        text = f"<think>{response.reasoning}</think>{text}"
    ids = list(tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
    if score_end and response.finish_reason == "stop" and tokenizer.eos_token_id is not None:
        ids.append(tokenizer.eos_token_id)
    return ids
