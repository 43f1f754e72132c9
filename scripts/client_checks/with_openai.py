"""The openai SDK, whose typed models must know every field that is not vLLM's or Fireworks'."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checking import ASKED, CITY, SCRIPTED_V1, TOOL, V1, expect, expect_raises, run_checks
from openai import BadRequestError, NotFoundError, OpenAI, pydantic_function_tool
from openai.types import Completion
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

client = OpenAI(base_url=V1, api_key="EMPTY", max_retries=0)
scripted = OpenAI(base_url=SCRIPTED_V1, api_key="EMPTY", max_retries=0)
GREEDY: dict[str, Any] = {"model": "demo", "max_tokens": 8, "temperature": 0}
ADDED = {"stop_reason", "seed", "prompt_logprobs", "prompt_token_ids", "token_ids", "token_id", "content"}
"""Fields beside OpenAI's: vLLM's and Fireworks'."""


class Weather(BaseModel):
    """The weather of a city."""

    city: str


def unknown_fields(value: object) -> Iterator[str]:
    """The fields that the SDK's model of an answer does not have."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or {}
        for name in type(value).model_fields:
            yield from unknown_fields(getattr(value, name))
    elif isinstance(value, list):
        for one in value:
            yield from unknown_fields(one)


def typed(answer: BaseModel, allowed: set[str] = ADDED) -> None:
    """Every value has its declared type, and every field is a known one."""
    type(answer).model_validate_json(answer.to_json(exclude_unset=True), strict=True)
    expect(set(unknown_fields(answer)) <= allowed, sorted(set(unknown_fields(answer)) - allowed))


def chat() -> None:
    """A whole answer, strictly typed."""
    raw = client.chat.completions.with_raw_response.create(messages=ASKED, n=2, **GREEDY)
    ChatCompletion.model_validate_json(raw.content, strict=True)
    answer = raw.parse()
    typed(answer, {"stop_reason", "seed"})
    expect(answer.choices[0].message.content and len(answer.choices) == 2, answer)
    usage = answer.usage
    expect(usage and usage.completion_tokens == 16 and usage.total_tokens == usage.prompt_tokens + 16, usage)


def stream() -> None:
    """The pieces are those of the whole answer, and the usage comes last."""
    whole = client.chat.completions.create(messages=ASKED, **GREEDY)
    asked: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(messages=ASKED, **asked, **GREEDY))
    for chunk in chunks:
        typed(chunk, {"stop_reason", "seed"})
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    expect(text == whole.choices[0].message.content, text)
    expect(chunks[-1].usage == whole.usage and not chunks[-1].choices, chunks[-1])


def logprobs() -> None:
    """Rows of the likeliest tokens, the chosen one first; the bytes are the text's."""
    answer = client.chat.completions.create(messages=ASKED, logprobs=True, top_logprobs=5, **GREEDY)
    typed(answer)
    rows = answer.choices[0].logprobs
    expect(rows and rows.content and len(rows.content) == 8, rows)
    for row in rows.content:
        expect(len(row.top_logprobs) == 5 and row.top_logprobs[0].logprob == row.logprob, row)
    text = b"".join(bytes(row.bytes or []) for row in rows.content).decode()
    expect(text == answer.choices[0].message.content, text)


def echo() -> None:
    """A completion with its prompt: tokens, offsets, the first value null, for which the SDK's type has no place."""
    raw = client.completions.with_raw_response.create(prompt="The list", echo=True, logprobs=3, **GREEDY)
    answer = json.loads(raw.content)
    for name in ("token_logprobs", "top_logprobs"):
        expect(answer["choices"][0]["logprobs"][name].pop(0) is None, name)
    Completion.model_validate(answer, strict=True)
    choice = raw.parse().choices[0]
    rows = choice.logprobs
    expect(rows and rows.tokens and "".join(rows.tokens) == choice.text, choice)
    expect(rows.token_logprobs and rows.token_logprobs[0] is None and rows.text_offset, rows)
    expect(choice.text.startswith("The list"), choice.text)


def tools() -> None:
    """A call is typed; its result goes back; a model that makes no call answers with text."""
    call: Any = scripted.chat.completions.create(model="caller", messages=ASKED, tools=[TOOL])  # type: ignore[list-item]
    typed(call)
    choice = call.choices[0]
    expect(choice.finish_reason == "tool_calls" and choice.message.content is None, choice)
    made = choice.message.tool_calls[0]
    expect(json.loads(made.function.arguments) == {"city": CITY}, made)
    told: Any = [*ASKED, choice.message, {"role": "tool", "tool_call_id": made.id, "content": "rain"}]
    answer: Any = client.chat.completions.create(messages=told, tools=[TOOL], **GREEDY)
    expect(answer.choices[0].message.content and not answer.choices[0].message.tool_calls, answer)


def streamed_tools() -> None:
    """The SDK's own accumulator makes one call of the pieces."""
    with scripted.chat.completions.stream(
        model="caller", messages=ASKED, tools=[pydantic_function_tool(Weather)]
    ) as pieces:
        final: Any = pieces.get_final_completion()
    expect(final.choices[0].message.tool_calls[0].function.parsed_arguments == Weather(city=CITY), final)


def parse() -> None:
    """Arguments of a strict tool are parsed; a response format is refused, since nothing is constrained."""
    strict = [pydantic_function_tool(Weather)]
    answer: Any = scripted.chat.completions.parse(model="caller", messages=ASKED, tools=strict)
    expect(answer.choices[0].message.tool_calls[0].function.parsed_arguments == Weather(city=CITY), answer)
    expect_raises(
        BadRequestError,
        lambda: client.chat.completions.parse(messages=ASKED, response_format=Weather, **GREEDY),
        "response_format",
        "not constrained",
    )


def errors() -> None:
    """Errors are of the SDK's classes, and name what is wrong."""
    wrong: Any = {**GREEDY, "temperature": -1}
    error: Any = expect_raises(BadRequestError, lambda: client.chat.completions.create(messages=ASKED, **wrong))
    expect(error.param == "temperature" and error.type == "invalid_request_error", error.body)
    other: Any = {**GREEDY, "model": "other"}
    error = expect_raises(NotFoundError, lambda: client.chat.completions.create(messages=ASKED, **other), "other")
    expect(error.code == "model_not_found", error.body)
    expect_raises(NotFoundError, lambda: client.embeddings.create(model="demo", input="a"))


def models() -> None:
    """The list, and one of it."""
    expect("demo" in [model.id for model in client.models.list()], client.models.list())
    expect(client.models.retrieve("demo").object == "model", "no model")


run_checks(
    {
        "chat": chat,
        "stream": stream,
        "logprobs": logprobs,
        "completions with echo": echo,
        "tools": tools,
        "tools in a stream": streamed_tools,
        "parse": parse,
        "errors": errors,
        "models": models,
    }
)
