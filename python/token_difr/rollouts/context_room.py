"""The room that a model's context leaves for an answer, where nobody chose how long answers may be.

A server that is asked for more tokens than fit refuses the request, and says what fits. The default of ``max_tokens`` is
nobody's choice, so it gives way; what a user chose never does: an answer that is cut elsewhere is another answer.
"""

from __future__ import annotations

import re

__all__ = ["DefaultTokens", "room_of"]

CONTEXT = re.compile(r"(?:context (?:length|window|size)|max_model_len|n_ctx)\D{0,40}?(\d{1,9})", re.IGNORECASE)
"""The whole context, in tokens."""

ANSWER = re.compile(r"at most (\d{1,9}) (?:completion|output|new) tokens", re.IGNORECASE)
"""The longest answer, in tokens, where a server limits that alone."""

PROMPT = (
    re.compile(r"(\d{1,9}) (?:tokens? )?(?:in|from|for) the (?:messages|prompt|input)", re.IGNORECASE),
    re.compile(r"(?:prompt|input)[^.\d]{0,40}?(\d{1,9}) (?:input |prompt )?tokens", re.IGNORECASE),
    re.compile(r"(\d{1,9}) (?:input|prompt) tokens", re.IGNORECASE),
    re.compile(r"request \((\d{1,9}) tokens\)", re.IGNORECASE),  # llama.cpp, which counts the prompt alone
)
"""The prompt, in tokens."""

TOTAL = re.compile(r"requested (?:a total of |about )?(\d{1,9}) tokens", re.IGNORECASE)
"""Prompt and answer together, in tokens."""


class DefaultTokens(int):
    """A number of tokens that nobody chose."""

    __slots__ = ()


def room_of(refusal: str, asked: int) -> int | None:
    """The longest answer that fits, in tokens, by the words of a server that refused a longer one.

    Args:
        refusal: Its message, as vLLM, SGLang, OpenAI, llama.cpp or ``token-difr serve`` words it.
        asked: The ``max_tokens`` that it refused.

    Returns:
        None where the refusal is about something else. Where only the context is told, and not what the prompt takes of
        it, half of what is smaller, the context or ``asked``: a guess, which may be refused in its turn.
    """
    longest = ANSWER.search(refusal)
    if longest is not None:
        return int(longest[1])
    context = CONTEXT.search(refusal)
    if context is None:
        return None
    length = int(context[1])
    total = TOTAL.search(refusal)
    prompt = next((found for pattern in PROMPT if (found := pattern.search(refusal)) is not None), None)
    if prompt is not None:
        return max(length - int(prompt[1]), 0)
    if total is not None:
        return max(length - (int(total[1]) - asked), 0)
    return min(length, asked) // 2
