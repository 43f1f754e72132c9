"""instructor: answers as objects of a class."""

from __future__ import annotations

from typing import Any

import instructor
from checking import ASKED, CITY, SCRIPTED_V1, V1, expect, expect_raises, run_checks
from openai import OpenAI
from pydantic import BaseModel

demo, scripted = (OpenAI(base_url=url, api_key="EMPTY", max_retries=0) for url in (V1, SCRIPTED_V1))


class Weather(BaseModel):
    """The weather of a city."""

    city: str


def answered(mode: instructor.Mode, model: str) -> Any:
    """What instructor makes of a model's answer."""
    asked: dict[str, Any] = {"model": model, "messages": ASKED, "max_tokens": 40, "max_retries": 1}
    sdk = demo if model == "demo" else scripted
    return instructor.from_openai(sdk, mode=mode).chat.completions.create(response_model=Weather, **asked)


def tools() -> None:
    """A demanded call becomes an object."""
    weather = answered(instructor.Mode.TOOLS, "opened")
    expect(weather.model_dump() == {"city": CITY}, repr(weather))


def fenced() -> None:
    """JSON in a fence becomes an object."""
    weather = answered(instructor.Mode.MD_JSON, "writer")
    expect(weather.model_dump() == {"city": CITY}, repr(weather))


def refused() -> None:
    """A response format is refused with the reason."""
    expect_raises(Exception, lambda: answered(instructor.Mode.JSON, "writer"), "not constrained")


def unwritten() -> None:
    """The demo's model writes no JSON: instructor says so, and nothing breaks."""
    error = expect_raises(Exception, lambda: answered(instructor.Mode.TOOLS, "demo"))
    expect(type(error).__module__.startswith("instructor"), repr(error))


run_checks({"TOOLS": tools, "MD_JSON": fenced, "JSON is refused": refused, "the demo's text": unwritten})
