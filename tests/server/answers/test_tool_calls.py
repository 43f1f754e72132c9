"""Calls in a text: where they begin and end, and what is left of the text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from token_difr.server.answers.conversation import RenderedChat
from token_difr.server.answers.message import MessageReader, joined
from token_difr.server.answers.requests.messages import ToolFunction
from token_difr.server.answers.tool_call_collector import ToolCallCollector
from token_difr.server.answers.tool_calls import parse_tool_calls

SCHEMA: dict[str, Any] = {
    "properties": {
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "deep": {"type": "boolean"},
        "tags": {"type": "array"},
        "where": {"type": "object"},
        "name": {"type": "string"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "note": {"type": ["string", "null"]},
    }
}
TOOLS: dict[str, Any] = {"find": SCHEMA, "time": None}
TIME = '{"name": "time", "arguments": {}}'
TAGGED = f"<tool_call>{TIME}</tool_call>"


def found(text: str, *, size: int) -> tuple[str, list[tuple[str, Any]]]:
    """Content and calls of a text that comes in pieces."""
    collector = ToolCallCollector(TOOLS)
    content, calls = "", []
    for at in range(0, len(text), size):
        content += collector.push(text[at : at + size])
        calls += collector.completed()
    rest = collector.close()
    return content + rest.content, [(call.name, json.loads(call.arguments)) for call in [*calls, *rest.calls]]


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        (f"[{TIME}, {TIME}]", "", [("time", {}), ("time", {})]),
        (f" [ {TIME} ] ", "", [("time", {})]),
        (f"{TIME}, {TIME}", "", [("time", {}), ("time", {})]),
        (f"{TIME};\n{TIME}", "", [("time", {}), ("time", {})]),
        (f"Well: [{TIME},{TIME}]", "Well:", [("time", {}), ("time", {})]),
        (f"```json\n{TIME}\n```", "", [("time", {})]),
        (f"Look:\n```json\n[{TIME}]\n```", "Look:", [("time", {})]),
        (f"<tool_call>[{TIME}, {TIME}]</tool_call>", "", [("time", {}), ("time", {})]),
        (f"<tool_call>\n```json\n{TIME}\n</tool_call>", "", [("time", {})]),
        (f"<tool_call>{TIME}}}</tool_call>", "", [("time", {})]),
        (f"a {TAGGED} b {TAGGED} c", "a b c", [("time", {}), ("time", {})]),
        (f"<tool_call>{TIME}<tool_call>{TIME}</tool_call>", "", [("time", {}), ("time", {})]),
        (
            '<tool_call>{"name": "find", "arguments": {"name": "</tool_call> <tool_call>"}}</tool_call>',
            "",
            [("find", {"name": "</tool_call> <tool_call>"})],
        ),
        (
            "<tool_call><function=find><parameter=name></tool_call></parameter></function></tool_call>",
            "",
            [("find", {"name": "</tool_call>"})],
        ),
        (
            "<tool_call><function=find><parameter=name>a</parameter>b</parameter></function></tool_call>",
            "",
            [("find", {"name": "a</parameter>b"})],
        ),
        ('<tool_call>{"name": "time", "arguments": {}} and more</tool_call>', None, []),
        (f"<tool_call>{TIME}\n\nI hope so.", "\n\nI hope so.", [("time", {})]),
        ('{"name": "time", "arguments": "not json"}', None, []),
        ('{"name": "time", "arguments": "[1]"}', None, []),
        ('{"name": "time", "arguments": "{\\"a\\": NaN}"}', None, []),
        ('{"name": "time", "arguments": {"a": NaN}}', None, []),
        ('{"name": "time", "arguments": {"a": -Infinity}}', None, []),
        ('{"name": "time", "arguments": {"a": 1e999}}', None, []),
        ('{"name": "time", "arguments": {"a": ' + "9" * 5000 + "}}", None, []),
        ('<tool_call>{"name": "time", "arguments": {"a": NaN}}</tool_call>', None, []),
        ('{"name": "time", "arguments": {"a": "\\ud800"}}', "", [("time", {"a": "\ud800"})]),
        ('{"a": {"name": "time", "arguments": {}}}', None, []),
        ("[1, 2] and {x} and [a](b)", None, []),
        ("```python\nx = {}\n```", None, []),
        ("<tool_call>", None, []),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_calls_are_cut_out_whole(text: str, content: str | None, calls: list[Any], size: int) -> None:
    """However the text comes, nothing of a call stays behind, and what is none stays as it was (None = all of it)."""
    said, made = found(text, size=size)

    assert made == calls
    assert said.rstrip() == (text if content is None else content).rstrip()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "5", 5),
        ("count", "5.5", "5.5"),
        ("count", "true", "true"),
        ("share", "5", 5),
        ("share", "0.5", 0.5),
        ("share", "NaN", "NaN"),
        ("deep", "true", True),
        ("deep", "False", False),
        ("deep", "yes", "yes"),
        ("tags", '["a", 1]', ["a", 1]),
        ("where", '{"a": 1}', {"a": 1}),
        ("where", "[1]", "[1]"),
        ("name", "5", "5"),
        ("name", "  two lines\n here", "  two lines\n here"),
        ("maybe", "null", None),
        ("maybe", "7", 7),
        ("note", "null", None),
        ("note", "7", "7"),
        ("other", "7", "7"),
    ],
)
def test_values_of_qwens_calls_have_the_types_of_the_schema(name: str, text: str, value: object) -> None:
    """A value is read as JSON where the schema says so and it is; else it stays text, as where no schema speaks of it."""
    call = f"<tool_call>\n<function=find>\n<parameter={name}>\n{text}\n</parameter>\n</function>\n</tool_call>"
    arguments = json.loads(parse_tool_calls(call, TOOLS).calls[0].arguments)

    assert arguments == {name: value}
    assert type(arguments[name]) is type(value)


@pytest.mark.parametrize("said", ["no JSON at all", '{"a": NaN}}</tool_call>', "", " {"])
def test_a_demanded_call_that_fails_shows_the_models_text_alone(said: str) -> None:
    """What the prompt began is the prompt's, and no content."""
    begun = '<tool_call>\n{"name": "time", "arguments": '
    collector = ToolCallCollector(TOOLS, begun=begun)
    content = collector.push(said)

    assert (content + collector.close().content, collector.completed()) == (said, [])


def test_tagged_calls_come_as_soon_as_their_tag_closes() -> None:
    """The name first, then the arguments in pieces; the deltas joined are the message."""
    tools = [ToolFunction(name="find", parameters=SCHEMA)]
    chat = RenderedChat(token_ids=[1], thinking=False, tools=tools, begun_call="")
    reader = MessageReader(chat, single_call=False)
    arguments = {"name": "x" * 200}
    text = f"On it. <tool_call>{json.dumps({'name': 'find', 'arguments': arguments})}</tool_call>"
    deltas = list(reader.push(text))

    assert reader.has_calls is True
    pieces = [delta["tool_calls"][0] for delta in deltas[1:]]
    assert pieces[0]["function"] == {"name": "find", "arguments": ""}
    assert len(pieces) > 3
    assert all(piece.keys() == {"index", "function"} for piece in pieces[1:])
    deltas += [*reader.push(" And now?"), *reader.close()]
    message = joined(deltas)
    assert message["content"] == "On it. And now?"
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == arguments
    assert len(message["tool_calls"]) == 1


def test_thinking_has_both_names() -> None:
    """The one of vLLM today, and the one before it."""
    chat = RenderedChat(token_ids=[1], thinking=True, tools=[], begun_call="")
    reader = MessageReader(chat, single_call=False)
    message = joined([*reader.push("so</think>Yes."), *reader.close()])

    assert message["reasoning"] == message["reasoning_content"] == "so"
    assert message["content"] == "Yes."
