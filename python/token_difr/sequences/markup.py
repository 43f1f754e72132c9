"""Answers that came with the template's own markup in their text: channels, and tags of reasoning."""

from __future__ import annotations

from token_difr.sequences.reasoning import ReasoningJoin
from token_difr.sequences.rendering import Tokenizer

__all__ = ["own_form"]


def own_form(
    content: str, join: ReasoningJoin, opening: str, tokenizer: Tokenizer, *, finished: bool
) -> list[tuple[str, bool]] | None:
    """``content`` in pieces, each with whether it is the template's own, whose special tokens count.

    The whole must have the form that the template writes: what opens a thought, the thought, what stands between the
    two, the answer; or what opens an answer without a thought, and the answer. A thought may be all there is of an output
    that was cut. Servers that skip special tokens leave the words of the markup, such as ``analysis`` and
    ``assistantfinal``: there the special tokens are put back.

    Args:
        content: The answer's text as it came.
        join: What the template writes around reasoning.
        opening: What it writes ahead of an answer without reasoning.
        tokenizer: The model's.
        finished: Whether the output came to its end.

    Returns:
        None where the text has no such form, or the form has no special tokens: then it is plain text.
    """
    before, between, opening = join.before.strip(), join.between.strip(), opening.strip()
    if not _has_special_tokens(between, tokenizer):
        return None
    for shown in (str, lambda mark: _words(mark, tokenizer)):
        start, middle, direct = shown(before), shown(between), shown(opening)
        if before and start and content.startswith(start):
            thought, found, answer = content.removeprefix(start).partition(middle)
            if found:
                return [(before, True), (thought, False), (between, True), (answer, False)]
            if not finished and start == before:
                return [(before, True), (thought, False)]
        if opening and direct == opening and content.startswith(direct):
            return [(opening, True), (content.removeprefix(direct), False)]
    if not before and between in content:  # the generation prompt has opened the thought
        thought, _, answer = content.partition(between)
        return [(thought, False), (between, True), (answer, False)]
    return None


def _words(mark: str, tokenizer: Tokenizer) -> str:
    """What a server shows of markup that skips special tokens."""
    ids = tokenizer.encode(mark, add_special_tokens=False, split_special_tokens=False) if mark else []
    return tokenizer.decode(ids, skip_special_tokens=True)


def _has_special_tokens(mark: str, tokenizer: Tokenizer) -> bool:
    encoded = [tokenizer.encode(mark, add_special_tokens=False, split_special_tokens=split) for split in (True, False)]
    return bool(mark) and encoded[0] != encoded[1]
