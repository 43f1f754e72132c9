"""The token that ends an assistant's turn."""

from __future__ import annotations

from token_difr.errors import InputError
from token_difr.records import Conversation, Response
from token_difr.sequences.decoding import well_formed
from token_difr.sequences.rendering import Tokenizer, rendered_text

__all__ = ["end_of_answer", "end_token", "ends_answers", "is_special", "trailing_special_token"]

ANSWER = "An answer, 4711."
"""Text that no template and no special token holds."""
TURN: Conversation = [{"role": "user", "content": "?"}, {"role": "assistant", "content": ANSWER}]
NEXT_TURN: Conversation = [*TURN, {"role": "user", "content": "?"}]

LONGEST_NAME = 200
"""Characters of a text's end that are looked at for a token's name: a text may be long, and end in many names."""

NAMED_END = ("stop_reason", "matched_stop")
"""Where a choice names the id of the token that ended it: vLLM's field, and SGLang's."""


def end_token(tokenizer: Tokenizer) -> int | None:
    """The token that the chat template writes after an assistant's message, if that is a special one.

    A model ends its answer with it, and not always with the tokenizer's ``eos_token`` (some tokenizers name the end of
    a whole text so, and end a turn with another token). Some templates write nothing after the last answer, since the
    next turn's own beginning is what ends it: then the token that begins the user's next message is the end. Where the
    template writes nothing special in either place, it is ``eos_token_id``, which may be None; but where the model's own
    files name other ends, the first of them.
    """
    for turns in (TURN, NEXT_TURN):
        try:
            text = rendered_text(turns, tokenizer, add_generation_prompt=False)
        except InputError:  # a template that takes no assistant's message
            break
        rest = text.rpartition(ANSWER)[2]
        mark = rest.lstrip()
        ids = tokenizer.encode(mark, add_special_tokens=False, split_special_tokens=False) if mark else []
        if ids and ends_answers(ids[0], tokenizer):
            return ids[0]
        if rest:  # something ends the answer, and it is no special token
            break
    named = _named_ends(tokenizer)
    return named[0] if named and tokenizer.eos_token_id not in named else tokenizer.eos_token_id


def end_of_answer(response: Response, usual: int | None, tokenizer: Tokenizer) -> int | None:
    """The token that ended this answer: as the server names it, else ``usual``. A model may have several."""
    for name in NAMED_END:
        named = response.choice.get(name)
        if type(named) is int and _is_token(named, tokenizer):
            return named
    return usual


def trailing_special_token(text: str, tokenizer: Tokenizer) -> tuple[str, int] | None:
    """What stands before the special tokens that a text ends with, spelled out, and the first of them; None without any.

    Servers that do not skip special tokens send the end token's name at the end of the text, with white space of their
    own behind it perhaps. The model stops at the first.
    """
    rest, first = text, None
    while trimmed := rest.rstrip():
        end = well_formed(trimmed[-LONGEST_NAME:])
        ids = tokenizer.encode(end, add_special_tokens=False, split_special_tokens=False)
        name = tokenizer.decode(ids[-1:])
        if not ids or not ends_answers(ids[-1], tokenizer) or not trimmed.endswith(name):
            break
        rest, first = trimmed.removesuffix(name), ids[-1]
    return None if first is None else (rest, first)


def ends_answers(token: int, tokenizer: Tokenizer) -> bool:
    """Whether a token at the end of an output is what ended it: one that the model's files name, or a special one."""
    return token in _named_ends(tokenizer) or is_special(token, tokenizer)


def is_special(token: int, tokenizer: Tokenizer) -> bool:
    """Whether a token is left out of texts for readers."""
    shown, skipped = (tokenizer.decode([token], skip_special_tokens=skip) for skip in (False, True))
    return bool(shown) and not skipped


def _named_ends(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Those that :func:`~token_difr.sequences.load_tokenizer` found beside the tokenizer; none of one made elsewhere."""
    return getattr(tokenizer, "end_token_ids", ())


def _is_token(token: int, tokenizer: Tokenizer) -> bool:
    try:
        return token >= 0 and bool(tokenizer.decode([token]))
    except (OverflowError, IndexError, KeyError, TypeError, ValueError):  # an id beyond the tokenizer's vocabulary
        return False
