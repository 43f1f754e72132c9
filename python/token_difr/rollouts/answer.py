"""A provider's answer, as JSON, read as a sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from token_difr.answers.chat_answer import first_choice
from token_difr.errors import AnswerError
from token_difr.rollouts.logprobs import logprobs_of
from token_difr.rollouts.records import Response, Usage
from token_difr.rollouts.thinking import CLOSE, split_thought

__all__ = ["check_answer", "response_of", "states_usage", "usage_of"]

Join = Callable[[str, str], str]
"""(reasoning, content) -> both as the model's chat template writes them."""


def check_answer(body: Mapping[str, Any]) -> None:
    """Whether an answer is one, before it is stored as one.

    Raises:
        AnswerError: No choice, one that was broken off with an error, or one without text.
    """
    content, reasoning = _texts(first_choice(body))
    if not isinstance(content, str) or not isinstance(reasoning, str):
        raise AnswerError("the answer's content is not text")


def response_of(
    body: Mapping[str, Any],
    *,
    seed: int,
    prompt_text: str = "",
    prompt_tokens: int | None = None,
    thought_open: bool = False,
    echo: bool = False,
    wants_logprobs: bool = False,
    join: Join | None = None,
    cached: bool = False,
) -> Response:
    """A sample.

    Args:
        body: An answer that :func:`check_answer` takes.
        seed: The sample's.
        prompt_text: The prompt as it was rendered here, or "".
        prompt_tokens: Its number of tokens, where it was sent as token ids.
        thought_open: Whether the answer begins within a thought.
        echo: Whether the prompt came back with the answer.
        wants_logprobs: Whether logprobs were asked for.
        join: How the model's chat template joins reasoning and answer; None = with its closing tag alone.
        cached: Whether it comes from the cache.

    Raises:
        AnswerError: Logprobs that contradict each other.
    """
    choice = first_choice(body)
    content, field_reasoning = _texts(choice)
    usage = usage_of(body)
    logprobs = None
    if wants_logprobs:
        logprobs = logprobs_of(
            body, choice, usage=usage, echo=echo, prompt_text=prompt_text, prompt_tokens=prompt_tokens
        )
    if echo and content.startswith(prompt_text):
        content = content.removeprefix(prompt_text)
    elif echo and logprobs is not None:  # the echo leaves out special tokens: the tokens tell where the answer begins
        content = "".join(logprobs.generation().tokens)
    thought = split_thought(content, field_reasoning, is_open=thought_open)
    full = content
    if field_reasoning:
        full = join(field_reasoning, content) if join is not None else f"{field_reasoning}{CLOSE}{content}"
    return Response(
        full=full,
        content=thought.content,
        reasoning=thought.reasoning,
        finish_reason=_text(choice, "finish_reason"),
        provider=_text(body, "provider"),
        response_id=_text(body, "id"),
        model=_text(body, "model"),
        object=_text(body, "object"),
        created=created if isinstance(created := body.get("created"), int) else 0,
        usage=usage,
        logprobs=logprobs,
        echo=echo,
        prompt_text=prompt_text,
        seed=seed,
        completed_reasoning=thought.completed,
        token_ids=_ids(choice.get("token_ids")),
        cached=cached,
    )


def usage_of(body: Mapping[str, Any]) -> Usage:
    """The ``usage`` of an answer; 0 where it gave none, or no number."""
    given = body.get("usage")
    given = given if isinstance(given, Mapping) else {}

    def count(name: str) -> int:
        return _whole(given.get(name)) or 0

    prompt, completion = count("prompt_tokens"), count("completion_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=count("total_tokens") or prompt + completion,
        cost_usd=_money(given.get("cost")),
    )


def states_usage(body: Mapping[str, Any]) -> bool:
    """Whether an answer says what it cost, or how many tokens it read and wrote."""
    given = body.get("usage")
    if not isinstance(given, Mapping):
        return False
    counts = [_whole(given.get(name)) for name in ("prompt_tokens", "completion_tokens")]
    return _money(given.get("cost")) is not None or None not in counts


def _whole(value: object) -> int | None:
    """A count; some write it with a decimal point."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isinstance(value, int) or value.is_integer() else None


def _money(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) and value >= 0 else None
    except OverflowError:  # more digits than a float has
        return None


def _texts(choice: Mapping[str, Any]) -> tuple[Any, Any]:
    """Content and separate reasoning, of a chat message or of a completion; None counts as empty."""
    message = choice.get("message")
    if message is None and "text" in choice:
        return choice["text"] or "", ""
    if not isinstance(message, dict):
        raise AnswerError("the answer has neither message nor text")
    return message.get("content") or "", message.get("reasoning") or message.get("reasoning_content") or ""


def _text(values: Mapping[str, Any], name: str) -> str:
    return value if isinstance(value := values.get(name), str) else ""


def _ids(value: object) -> list[int] | None:
    return value if isinstance(value, list) and all(type(token) is int for token in value) else None
