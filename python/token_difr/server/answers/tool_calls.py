"""Tool calls in an answer's text.

Three forms are read: Hermes (``<tool_call>{"name": ..., "arguments": {...}}</tool_call>``), Qwen's XML
(:mod:`~token_difr.server.answers.qwen_calls`) and plain JSON objects, alone or in a list. A call counts when its name was
declared and its arguments are a JSON object; what does not parse stays text.

A form is parsed from its beginning, so that it ends where it ends and not at the first text that looks like its end. Then
what remains is looked at: separators between calls, and fences around them, are no content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from token_difr.server.answers.qwen_calls import read_qwen_call

__all__ = ["CALL_OPEN", "Span", "ToolCall", "ToolCallText", "parse_tool_calls", "tagged_call"]

CALL_OPEN = "<tool_call>"
_CLOSE = re.compile(r"[\s}\],;]*</tool_call>")
_LABEL = re.compile(r"\s*(?:```\w*\s*)?")
_SEPARATORS = re.compile(r"[\s,;]*")
_FENCE_OPEN = re.compile(r"```\w*\s*\Z")
_FENCE_CLOSE = re.compile(r"\s*```")

Schemas = Mapping[str, Mapping[str, Any] | None]
"""The declared functions, each with the JSON schema of its arguments, if it has one."""


@dataclass(frozen=True)
class ToolCall:
    """One call.

    Attributes:
        name: The function's name.
        arguments: JSON text of an object, as OpenAI gives it.
    """

    name: str
    arguments: str


class ToolCallText(NamedTuple):
    """A text taken apart: what is not a call, and the calls in order."""

    content: str
    calls: list[ToolCall]


class Span(NamedTuple):
    """Where in a text calls stand."""

    start: int
    end: int
    calls: list[ToolCall]


def parse_tool_calls(text: str, tools: Schemas | Collection[str], *, given: int = 0) -> ToolCallText:
    """The calls of declared functions, and the text around them; the whole text where there is no call.

    Args:
        text: What the model wrote, behind what it was given.
        tools: The declared functions.
        given: So many characters at the beginning are the prompt's: never content.
    """
    tools = tools if isinstance(tools, Mapping) else dict.fromkeys(tools)
    spans = list(_tagged_calls(text, tools))
    if CALL_OPEN not in text:
        spans = [_with_fence(text, span) for span in _plain_calls(text, tools)]
    rest, at = [], given
    for span in spans:
        between = text[at : max(span.start, at)]
        rest.append("" if at > given and _SEPARATORS.fullmatch(between) else between)
        at = max(span.end, given)
    content = "".join([*rest, text[at:]])
    calls = [call for span in spans for call in span.calls]
    return ToolCallText("" if calls and not content.strip() else content, calls)


def tagged_call(text: str, start: int, tools: Schemas, *, closed: bool) -> Span | None:
    """The call whose opening tag stands at a place; None where it is none.

    Args:
        text: Any text.
        start: Place of the tag.
        tools: The declared functions.
        closed: The closing tag must be there; else it may be missing.
    """
    label = _LABEL.match(text, start + len(CALL_OPEN))
    begin = start + len(CALL_OPEN) if label is None else label.end()
    found = _qwen_span(text, begin, tools) or _json_span(text, begin, tools)
    if found is None:
        return None
    close = _CLOSE.match(text, found.end)
    if close is not None:
        return Span(start, close.end(), found.calls)
    # Without a closing tag of its own the call ends with its object. With other text before that tag it is none.
    has_tag = "</tool_call>" in text[found.end :].partition(CALL_OPEN)[0]
    return None if closed or has_tag else Span(start, found.end, found.calls)


def _tagged_calls(text: str, tools: Schemas) -> Iterator[Span]:
    at = text.find(CALL_OPEN)
    while at >= 0:
        span = tagged_call(text, at, tools, closed=False)
        if span is not None:
            yield span
        at = text.find(CALL_OPEN, at + len(CALL_OPEN) if span is None else span.end)


def _qwen_span(text: str, at: int, tools: Schemas) -> Span | None:
    read = read_qwen_call(text, at, tools)
    return None if read is None else Span(at, read.end, [ToolCall(read.name, _dumped(read.arguments))])


def _json_span(text: str, at: int, tools: Schemas) -> Span | None:
    """A call, or a list of nothing but calls, that begins at a place."""
    try:
        value, end = _DECODER.raw_decode(text, at)
        calls = [_json_call(one, tools) for one in (value if isinstance(value, list) else [value])]
    except (ValueError, RecursionError):
        return None
    found = [call for call in calls if call is not None]
    return Span(at, end, found) if found and len(found) == len(calls) else None


def _plain_calls(text: str, tools: Schemas) -> Iterator[Span]:
    """JSON objects and lists that are calls, wherever they stand."""
    at = 0
    while begin := _JSON_BEGIN.search(text, at):
        span = _json_span(text, begin.start(), tools)
        if span is not None:
            yield span
            at = span.end
        else:
            at = _end_of_other(text, begin.start())


def _end_of_other(text: str, at: int) -> int:
    """Behind an object that is no call: what stands inside is none either. A list may hold some."""
    if text[at] == "[":
        return at + 1
    try:
        return int(_DECODER.raw_decode(text, at)[1])
    except (ValueError, RecursionError):
        return at + 1


def _with_fence(text: str, span: Span) -> Span:
    """A span with the Markdown fence around it, if there is one."""
    before, after = _FENCE_OPEN.search(text[: span.start]), _FENCE_CLOSE.match(text, span.end)
    return span if before is None or after is None else Span(before.start(), after.end(), span.calls)


def _json_call(value: Any, tools: Schemas) -> ToolCall | None:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or value["name"] not in tools:
        return None
    arguments = value.get("arguments", value.get("parameters"))
    if isinstance(arguments, str):
        arguments.encode()  # half a character is no text: UnicodeEncodeError is a ValueError
        return ToolCall(value["name"], arguments) if isinstance(_DECODER.decode(arguments), dict) else None
    return ToolCall(value["name"], _dumped(arguments)) if isinstance(arguments, dict) else None


def _dumped(arguments: Mapping[str, Any]) -> str:
    """JSON text. ValueError for a number that JSON does not have."""
    text = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which its escape can tell
        return json.dumps(arguments, allow_nan=False)
    return text


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_JSON_BEGIN = re.compile(r"\{|\[(?=\s*\{)")
