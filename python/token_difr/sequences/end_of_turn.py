"""The token that ends an assistant's turn."""

from __future__ import annotations

from token_difr.errors import InputError
from token_difr.sequences.rendering import Tokenizer, rendered_text

__all__ = ["end_token"]

ANSWER = "An answer, 4711."
"""Text that no template and no special token holds."""
TURN = [{"role": "user", "content": "?"}, {"role": "assistant", "content": ANSWER}]


def end_token(tokenizer: Tokenizer) -> int | None:
    """The token that the chat template writes after an assistant's message, if that is a special one.

    A model ends its answer with it, and not always with the tokenizer's ``eos_token`` (some tokenizers name the end of
    a whole text so, and end a turn with another token). Where the template writes nothing special there, it is
    ``eos_token_id``, which may be None.
    """
    try:
        text = rendered_text(TURN, tokenizer, add_generation_prompt=False)
    except InputError:  # a template that takes no assistant's message
        return tokenizer.eos_token_id
    rest = text.rpartition(ANSWER)[2]
    ids = tokenizer.encode(rest, add_special_tokens=False, split_special_tokens=False) if rest else []
    return ids[0] if ids and not tokenizer.decode(ids[:1], skip_special_tokens=True) else tokenizer.eos_token_id
