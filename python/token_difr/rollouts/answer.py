"""A provider's answer, as JSON, read as a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from token_difr.rollouts.conversations import Join
from token_difr.rollouts.response import Response, Usage
from token_difr.rollouts.thinking import CLOSE, split_thought
from token_difr.services import logprobs_of, read_answer

__all__ = ["response_of"]


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
        body: An answer's JSON object.
        seed: The sample's.
        prompt_text: The prompt as it was rendered here, or "".
        prompt_tokens: Its number of tokens, where it was sent as token ids.
        thought_open: Whether the answer begins within a thought.
        echo: Whether the prompt came back with the answer.
        wants_logprobs: Whether logprobs were asked for.
        join: How the model's chat template joins reasoning and answer; None = with its closing tag alone.
        cached: Whether it comes from the cache.

    Raises:
        AnswerError: See :func:`~token_difr.services.read_answer`; or logprobs that contradict each other.
    """
    answer = read_answer(body)
    content = answer.content
    logprobs = None
    if wants_logprobs:
        logprobs = logprobs_of(
            body,
            answer.choice,
            echo=echo,
            prompt_text=prompt_text,
            prompt_tokens=prompt_tokens,
            counted_prompt_tokens=answer.usage.prompt_tokens or 0,
        )
    if echo and content.startswith(prompt_text):
        content = content.removeprefix(prompt_text)
    elif echo and logprobs is not None:  # the echo leaves out special tokens: the tokens tell where the answer begins
        content = "".join(logprobs.generation().tokens)
    thought = split_thought(content, answer.reasoning, is_open=thought_open)
    full = content
    if answer.reasoning:
        full = f"{answer.reasoning}{CLOSE}{content}" if join is None else join(answer.reasoning, content)
    return Response(
        full=full,
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
        echo=echo,
        prompt_text=prompt_text,
        seed=seed,
        completed_reasoning=thought.completed,
        token_ids=answer.token_ids,
        cached=cached,
    )
