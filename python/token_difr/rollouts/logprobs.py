"""Logprobs of an answer, in each of the forms that providers write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from token_difr.errors import AnswerError
from token_difr.rollouts.records import Logprobs, Usage

__all__ = ["logprobs_of"]

Candidates = list[tuple[int | None, str, float]]


def logprobs_of(
    body: Mapping[str, Any],
    choice: Mapping[str, Any],
    *,
    usage: Usage,
    echo: bool,
    prompt_text: str,
    prompt_tokens: int | None = None,
) -> Logprobs:
    """The logprobs of an answer's tokens; with ``echo``, the prompt's tokens come first.

    Args:
        body: The whole answer: Together writes the prompt's logprobs beside the choices.
        choice: The choice.
        usage: Tells the number of the prompt's tokens.
        echo: Whether the prompt's were asked for.
        prompt_text: The prompt, where it was rendered here: its length finds the first token of the answer.
        prompt_tokens: Its number of tokens, where it was sent as ids.

    Raises:
        AnswerError: None came, or lists of different lengths.
    """
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        raise AnswerError("logprobs were asked for, and the provider gave none")
    made = _content_form(given["content"]) if isinstance(given.get("content"), list) else _list_form(given)
    if not echo:
        return made
    prompt = _prompt_beside(body)
    if prompt is not None:
        return _joined(prompt, made)
    count = _prompt_count(made, usage, prompt_text) if prompt_tokens is None else min(prompt_tokens, len(made))
    return Logprobs(**{**_fields(made), "num_prompt_tokens": count})


def _content_form(content: Sequence[Any]) -> Logprobs:
    """One object a token: chat, and Fireworks' newer completions."""
    try:
        candidates = [
            [(top.get("token_id"), str(top["token"]), float(top["logprob"])) for top in entry.get("top_logprobs") or ()]
            for entry in content
        ]
        return Logprobs(
            tokens=[str(entry["token"]) for entry in content],
            token_logprobs=[_number(entry.get("logprob")) for entry in content],
            top_logprobs=[_by_text(row) for row in candidates],
            candidates=candidates,
            text_offset=_whole(content, "text_offset"),
            token_ids=_whole(content, "token_id"),
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
        candidates: list[Candidates] = [
            [(None, str(text), float(value)) for text, value in (row or {}).items()] for row in rows
        ]
    except (AttributeError, TypeError, ValueError) as error:
        raise AnswerError("the answer's top_logprobs are not dictionaries of numbers") from error
    return Logprobs(
        tokens=[str(token) for token in tokens],
        token_logprobs=[_number(value) for value in values],
        top_logprobs=[_by_text(row) for row in candidates],
        candidates=candidates,
        text_offset=_fitting(given.get("text_offset"), tokens),
        token_ids=_fitting(given.get("token_ids"), tokens),
    )


def _prompt_beside(body: Mapping[str, Any]) -> Logprobs | None:
    """Together's: ``prompt[0].logprobs``."""
    prompt = body.get("prompt")
    first = prompt[0] if isinstance(prompt, list) and prompt else None
    given = first.get("logprobs") if isinstance(first, dict) else None
    return _list_form(given) if isinstance(given, dict) else None


def _joined(prompt: Logprobs, answer: Logprobs) -> Logprobs:
    ours, theirs = _fields(prompt), _fields(answer)
    whole = {name: ours[name] + theirs[name] for name in ("tokens", "token_logprobs")}
    for name in ("top_logprobs", "candidates", "token_ids"):  # where both have them: else places would not fit
        both = len(ours[name]) == len(prompt) and len(theirs[name]) == len(answer)
        whole[name] = ours[name] + theirs[name] if both else []
    return Logprobs(**whole, num_prompt_tokens=len(prompt))


def _prompt_count(made: Logprobs, usage: Usage, prompt_text: str) -> int:
    """How many leading tokens are the prompt's: by the text's length, which no special token hides, else by ``usage``.

    A count alone cannot tell a leading token that the server added from an end token that it does not count.
    """
    if made.text_offset and prompt_text:
        return sum(offset < len(prompt_text) for offset in made.text_offset)
    return min(usage.prompt_tokens, len(made))


def _fields(made: Logprobs) -> dict[str, Any]:
    return {name: getattr(made, name) for name in Logprobs.__dataclass_fields__}


def _by_text(row: Candidates) -> dict[str, float]:
    best: dict[str, float] = {}
    for _, text, value in row:  # where texts collide the likelier one stays; `candidates` has both
        best[text] = max(value, best.get(text, value))
    return best


def _whole(content: Sequence[Any], name: str) -> list[int]:
    """A value of every entry; empty unless all have it."""
    values = [entry.get(name) for entry in content]
    return values if all(type(value) is int for value in values) else []


def _fitting(values: object, tokens: Sequence[Any]) -> list[int]:
    """One whole number a token, which Together writes with a decimal point; else empty."""
    if not isinstance(values, list) or len(values) != len(tokens):
        return []
    whole = all(type(value) in {int, float} and value == int(value) for value in values)
    return [int(value) for value in values] if whole else []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
