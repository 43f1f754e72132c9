"""LiteLLM's provider for servers that speak OpenAI's."""

from __future__ import annotations

import json
from typing import Any

import litellm
from checking import ASKED, CITY, SCRIPTED_V1, TOOL, V1, expect, expect_raises, run_checks

litellm.telemetry = False
PLACE: dict[str, Any] = {"api_base": V1, "api_key": "EMPTY", "max_retries": 0}
GREEDY: dict[str, Any] = {**PLACE, "model": "openai/demo", "max_tokens": 8, "temperature": 0}


def completion() -> None:
    """Text, usage and logprobs."""
    answer: Any = litellm.completion(messages=ASKED, logprobs=True, top_logprobs=2, **GREEDY)
    expect(answer.choices[0].message.content and answer.usage.completion_tokens == 8, answer)
    expect(len(answer.choices[0].logprobs.content) == 8, answer.choices[0].logprobs)


def stream() -> None:
    """The pieces are those of the whole answer."""
    whole: Any = litellm.completion(messages=ASKED, **GREEDY)
    chunks: Any = list(litellm.completion(messages=ASKED, stream=True, **GREEDY))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    expect(text == whole.choices[0].message.content, text)
    expect(chunks[-1].choices[0].finish_reason == "length", chunks[-1])


def tools() -> None:
    """A call, whole and in pieces."""
    asked = {**PLACE, "api_base": SCRIPTED_V1, "model": "openai/caller", "messages": ASKED, "tools": [TOOL]}
    answer: Any = litellm.completion(**asked)
    expect(json.loads(answer.choices[0].message.tool_calls[0].function.arguments) == {"city": CITY}, answer)
    chunks: Any = list(litellm.completion(stream=True, **asked))
    built: Any = litellm.stream_chunk_builder(chunks)
    made = built.choices[0].message.tool_calls[0].function
    expect(made.name == "Weather" and json.loads(made.arguments) == {"city": CITY}, built)


def text() -> None:
    """A completion of a text."""
    asked = {**GREEDY, "model": "text-completion-openai/demo"}
    answer: Any = litellm.text_completion(prompt="The list", **asked)
    expect(answer.choices[0].text, answer)


def errors() -> None:
    """A bad request and an unknown model are errors of their kinds."""
    expect_raises(
        litellm.BadRequestError, lambda: litellm.completion(messages=ASKED, **{**GREEDY, "top_p": 2}), "top_p"
    )
    other = {**GREEDY, "model": "openai/other"}
    expect_raises(litellm.NotFoundError, lambda: litellm.completion(messages=ASKED, **other), "other")


run_checks({"completion": completion, "stream": stream, "tools": tools, "text completion": text, "errors": errors})
