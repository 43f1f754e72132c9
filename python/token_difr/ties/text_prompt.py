"""A tie as plain text, for completions endpoints that take no token ids."""

from __future__ import annotations

from token_difr.sequences import Tokenizer, rendered_text
from token_difr.ties.tie import Tie

__all__ = ["text_prompt"]


def text_prompt(tie: Tie, tokenizer: Tokenizer) -> str:
    """The prompt as the chat template writes it, and the answer as it has begun.

    An endpoint reads a text as its tokenizer does, which may put the token that begins a text before it. Where the template has
    written that token already there would be two: then the text is sent without it, so that the tokens are the tie's.
    """
    text = rendered_text(tie.prompt, tokenizer, add_generation_prompt=True) + tie.prefix
    wanted = [*tie.prompt_token_ids, *tie.prefix_token_ids]
    begin = getattr(tokenizer, "bos_token", None) or ""
    for spelled in (text, text.removeprefix(begin)):
        if list(tokenizer.encode(spelled, add_special_tokens=True, split_special_tokens=False)) == wanted:
            return spelled
    return text
