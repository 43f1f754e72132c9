"""Logprobs of an answer, in each of the forms that providers write them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from token_difr.errors import AnswerError
from token_difr.records import LARGEST_ID, Logprobs
from token_difr.services.usage import StatedUsage
from token_difr.untrusted import LOWEST, read_logprob, whole_number

__all__ = ["logprobs_of", "own_logprobs"]

Candidates = list[tuple[int | None, str, float]]

FEWEST_TELLING = 3
"""Tokens of a prompt from which on an answer without them is told from one whose end has no logprob."""


def own_logprobs(choice: Mapping[str, Any]) -> list[float] | None:
    """The output tokens' own logprobs alone, one a token; NaN where one is not finite.

    None where there are none, or not one for every entry.
    """
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        return None
    entries = _entries(given)
    values = [_own(entry) for entry in entries] if entries is not None else given.get("token_logprobs")
    numbers = [read_logprob(value) for value in values] if isinstance(values, list) else [None]
    return None if None in numbers else [number for number in numbers if number is not None]


def logprobs_of(
    body: Mapping[str, Any],
    choice: Mapping[str, Any],
    *,
    echo: bool,
    prompt_text: str = "",
    prompt_tokens: int | None = None,
    counted_prompt_tokens: int = 0,
) -> Logprobs:
    """The logprobs of an answer's tokens; with ``echo``, the prompt's tokens come first.

    Args:
        body: The whole answer: Together writes the prompt's logprobs beside the choices.
        choice: The choice.
        echo: Whether the prompt's were asked for.
        prompt_text: The prompt, where it was rendered here: its length finds the first token of the answer.
        prompt_tokens: Its number of tokens, where it was sent as ids.
        counted_prompt_tokens: Its number of tokens by the provider's ``usage``; 0 = not known.

    Raises:
        AnswerError: None came, lists of different lengths, or those of the answer alone where the prompt's were asked for.
    """
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        raise AnswerError("logprobs were asked for, and the provider gave none")
    entries = _entries(given)
    made = _list_form(given) if entries is None else _content_form(entries)
    if not echo:
        return made
    prompt = _prompt_beside(body)
    if prompt is not None:
        return _joined(prompt, made)
    if _prompt_is_missing(len(made), StatedUsage.of(body), prompt_tokens):
        raise AnswerError(
            f"echo was asked for, and the provider passed it over: {len(made)} tokens came with logprobs, which are the "
            "answer's alone"
        )
    if prompt_tokens is None:
        count = _prompt_count(made, counted_prompt_tokens, prompt_text)
    else:
        count = min(prompt_tokens, len(made))
    return replace(made, num_prompt_tokens=count)


def _prompt_is_missing(tokens: int, usage: StatedUsage, prompt_tokens: int | None = None) -> bool:
    """Whether an answer's tokens with logprobs are too few to hold the prompt's: llama.cpp passes ``echo`` over.

    Args:
        tokens: How many there are.
        usage: The provider's counts; those of the answer's own tokens tell most.
        prompt_tokens: The prompt's number of tokens, where it was sent as ids.
    """
    sent = usage.prompt_tokens if prompt_tokens is None else prompt_tokens
    if sent is None or sent < FEWEST_TELLING:
        return False
    # The token that ends an answer may be counted and have no logprobs, and a server may not count its beginning.
    return tokens <= (usage.completion_tokens or 0) or tokens < sent - 1


def _entries(given: Mapping[str, Any]) -> list[Any] | None:
    """One object a token, of the content or of the refusal in its place; None in the older form of parallel lists."""
    return next((each for each in (given.get("content"), given.get("refusal")) if isinstance(each, list)), None)


def _content_form(content: Sequence[Any]) -> Logprobs:
    """One object a token: chat, and Fireworks' newer completions."""
    try:
        candidates = [
            _candidates((_id(top), str(top["token"]), top["logprob"]) for top in entry.get("top_logprobs") or ())
            for entry in content
        ]
        return Logprobs(
            tokens=[str(entry["token"]) for entry in content],
            token_logprobs=[_finite(entry.get("logprob")) for entry in content],
            top_logprobs=[_by_text(row) for row in candidates],
            candidates=candidates,
            text_offset=_one_each([entry.get("text_offset") for entry in content], content),
            token_ids=_one_each([_stated_id(entry) for entry in content], content),
        )
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise AnswerError(f"the answer's logprobs are not of a known form: {error!r}") from error


def _list_form(given: Mapping[str, Any]) -> Logprobs:
    """Parallel lists, with one dictionary of strings a token: the older completions."""
    tokens, values = given.get("tokens"), given.get("token_logprobs")
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        raise AnswerError("the answer's logprobs are not one a token")
    rows = given.get("top_logprobs")
    rows = rows if isinstance(rows, list) and len(rows) == len(tokens) else []
    try:
        candidates = [_candidates((None, str(text), value) for text, value in (row or {}).items()) for row in rows]
    except (AttributeError, TypeError, ValueError) as error:
        raise AnswerError("the answer's top_logprobs are not dictionaries of numbers") from error
    return Logprobs(
        tokens=[str(token) for token in tokens],
        token_logprobs=[_finite(value) for value in values],
        top_logprobs=[_by_text(row) for row in candidates],
        candidates=candidates,
        text_offset=_one_each(given.get("text_offset"), tokens),
        token_ids=_one_each(given.get("token_ids"), tokens),
    )


def _prompt_beside(body: Mapping[str, Any]) -> Logprobs | None:
    """Together's: ``prompt[0].logprobs``."""
    prompt = body.get("prompt")
    first = prompt[0] if isinstance(prompt, list) and prompt else None
    given = first.get("logprobs") if isinstance(first, dict) else None
    return _list_form(given) if isinstance(given, dict) else None


def _joined(prompt: Logprobs, answer: Logprobs) -> Logprobs:
    whole: dict[str, Any] = {}
    for name in ("tokens", "token_logprobs", "top_logprobs", "candidates", "token_ids"):
        ours, theirs = getattr(prompt, name), getattr(answer, name)
        both = len(ours) == len(prompt) and len(theirs) == len(answer)  # else places would not fit
        whole[name] = ours + theirs if both else []
    return Logprobs(**whole, num_prompt_tokens=len(prompt))


def _prompt_count(made: Logprobs, counted: int, prompt_text: str) -> int:
    """How many leading tokens are the prompt's: by the text's length, which no special token hides, else as counted.

    A count alone cannot tell a leading token that the server added from an end token that it does not count.
    """
    if made.text_offset and prompt_text:
        return sum(offset < len(prompt_text) for offset in made.text_offset)
    return min(counted, len(made))


def _candidates(given: Iterable[tuple[int | None, str, object]]) -> Candidates:
    """Those with a logprob that is known; minus infinity is one, in the way that engines write it.

    Raises:
        ValueError: A logprob that is no number.
    """
    made: Candidates = []
    for token_id, text, value in given:
        logprob = read_logprob(value)
        if logprob is None:
            raise ValueError("a logprob that is no number")
        if not math.isnan(logprob):
            made.append((token_id, text, logprob))
        elif isinstance(value, int | float) and value <= LOWEST:
            made.append((token_id, text, LOWEST))
    return made


def _id(entry: Mapping[str, Any]) -> int | None:
    return whole_number(_stated_id(entry), most=LARGEST_ID)


def _stated_id(entry: Mapping[str, Any]) -> object:
    """Fireworks' ``token_id``, llama.cpp's ``id``."""
    return entry.get("token_id", entry.get("id"))


def _by_text(row: Candidates) -> dict[str, float]:
    best: dict[str, float] = {}
    for _, text, value in row:  # where texts collide the likelier one stays; `candidates` has both
        best[text] = max(value, best.get(text, value))
    return best


def _one_each(values: object, tokens: Sequence[Any], *, most: int = LARGEST_ID) -> list[int]:
    """One whole number a token, which Together writes with a decimal point; else empty."""
    if not isinstance(values, list) or len(values) != len(tokens):
        return []
    whole = [whole_number(value, most=most) for value in values]
    return [] if None in whole else [value for value in whole if value is not None]


def _own(entry: object) -> object:
    return entry.get("logprob") if isinstance(entry, dict) else None


def _finite(value: object) -> float | None:
    number = read_logprob(value)
    return None if number is None or math.isnan(number) else number
