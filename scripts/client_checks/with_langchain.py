"""LangChain's chat model for OpenAI's servers."""

from __future__ import annotations

from typing import Any

from checking import ASKED, CITY, SCRIPTED_V1, V1, expect, run_checks
from langchain_core.messages import ToolMessage
from langchain_openai import ChatOpenAI, OpenAI
from pydantic import BaseModel

PLACE: dict[str, Any] = {"base_url": V1, "api_key": "EMPTY", "max_retries": 0}
SCRIPTED: dict[str, Any] = {**PLACE, "base_url": SCRIPTED_V1}
GREEDY: dict[str, Any] = {**PLACE, "model": "demo", "temperature": 0, "max_tokens": 8}


class Weather(BaseModel):
    """The weather of a city."""

    city: str


def invoke() -> None:
    """A message, with usage and logprobs."""
    message = ChatOpenAI(**GREEDY, logprobs=True, top_logprobs=2).invoke(ASKED)
    expect(message.content and message.usage_metadata, message)
    expect(len(message.response_metadata["logprobs"]["content"]) == 8, message.response_metadata)


def stream() -> None:
    """The pieces are those of the whole answer."""
    model = ChatOpenAI(**GREEDY)
    text = "".join(str(chunk.content) for chunk in model.stream(ASKED))
    expect(text == model.invoke(ASKED).content, text)


def batch() -> None:
    """Several at once."""
    expect(len(ChatOpenAI(**GREEDY).batch([ASKED, ASKED, ASKED])) == 3, "not three answers")


def bind_tools() -> None:
    """A call, whole and in pieces; its result goes back."""
    caller = ChatOpenAI(**SCRIPTED, model="caller").bind_tools([Weather])
    message: Any = caller.invoke(ASKED)
    expect(message.tool_calls[0]["args"] == {"city": CITY}, message)
    total: Any = None
    for chunk in caller.stream(ASKED):
        total = chunk if total is None else total + chunk
    expect(total.tool_calls[0]["args"] == {"city": CITY}, total)
    result = ToolMessage("rain", tool_call_id=message.tool_calls[0]["id"])
    expect(ChatOpenAI(**GREEDY).bind_tools([Weather]).invoke([*ASKED, message, result]).content, "no content")


def structured() -> None:
    """An object of a class, by a call that is demanded."""
    model = ChatOpenAI(**SCRIPTED, model="opened").with_structured_output(Weather, method="function_calling")
    expect(model.invoke(ASKED) == Weather(city=CITY), model.invoke(ASKED))


def text() -> None:
    """A completion of a text."""
    expect(OpenAI(**GREEDY).invoke("The list"), "no text")


run_checks(
    {
        "invoke": invoke,
        "stream": stream,
        "batch": batch,
        "bind_tools": bind_tools,
        "structured output": structured,
        "text completion": text,
    }
)
