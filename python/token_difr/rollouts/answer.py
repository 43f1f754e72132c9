"""A provider's answer, as JSON, read as a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from token_difr.rollouts.conversations import Join
from token_difr.rollouts.response import Response, Usage
from token_difr.rollouts.thinking import CLOSE, split_thought
from token_difr.services import logprobs_of, read_answer

__all__ = ["Expected", "response_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What was asked, as far as the reading of its answers depends on it.

    Attributes:
        prompt_text: The prompt as it was rendered here, or "".
        prompt_tokens: Its number of tokens, where it was sent as token ids.
        thought_open: Whether the answer begins within a thought.
        echo: Whether the prompt comes back with the answer.
        logprobs: Whether logprobs were asked for.
        join: How the model's chat template joins reasoning and answer; None = with its closing tag on a line of its own.
    """

    prompt_text: str = ""
    prompt_tokens: int | None = None
    thought_open: bool = False
    echo: bool = False
    logprobs: bool = False
    join: Join | None = None


def response_of(body: Mapping[str, Any], expected: Expected, *, seed: int, cached: bool = False) -> Response:
    """A sample.

    Args:
        body: An answer's JSON object.
        expected: What was asked.
        seed: The sample's.
        cached: Whether it comes from the cache.

    Raises:
        AnswerError: See :func:`~token_difr.services.read_answer`; or logprobs that contradict each other.
    """
    answer = read_answer(body)
    content = answer.content
    logprobs = None
    if expected.logprobs:
        logprobs = logprobs_of(
            body,
            answer.choice,
            echo=expected.echo,
            prompt_text=expected.prompt_text,
            prompt_tokens=expected.prompt_tokens,
            counted_prompt_tokens=answer.usage.prompt_tokens or 0,
        )
    if expected.echo and content.startswith(expected.prompt_text):
        content = content.removeprefix(expected.prompt_text)
    elif (
        expected.echo and logprobs is not None
    ):  # the echo leaves out special tokens: the tokens tell where the answer begins
        content = "".join(logprobs.generation().tokens)
    thought = split_thought(content, answer.reasoning, is_open=expected.thought_open)
    return Response(
        full=_whole(answer.reasoning, content, expected.join, finished=answer.finish_reason == "stop"),
        content=thought.content,
        reasoning=thought.reasoning,
        finish_reason=answer.finish_reason or "",
        provider=answer.provider,
        response_id=answer.response_id,
        model=answer.model,
        object=answer.object,
        created=answer.created,
        usage=Usage.of(answer.usage),
        logprobs=logprobs,
        echo=expected.echo,
        prompt_text=expected.prompt_text,
        seed=seed,
        completed_reasoning=thought.completed,
        token_ids=answer.token_ids,
        cached=cached,
    )


def _whole(reasoning: str, content: str, join: Join | None, *, finished: bool) -> str:
    """Both as the model wrote them; a thought that was cut is not closed."""
    if not reasoning:
        return content
    if join is not None:
        return join(reasoning, content, finished=finished)
    return f"{reasoning}\n{CLOSE}\n{content}" if content or finished else reasoning
