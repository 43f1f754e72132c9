"""Reasoning, tools and continued messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from token_difr.server.answers.reasoning import ReasoningSplitter
from token_difr.server.answers.tool_call_collector import ToolCallCollector
from token_difr.server.answers.tool_calls import ToolCall, parse_tool_calls
from token_difr.server.model.folder import ModelFolder

Talk = Callable[..., AbstractContextManager[OpenAI]]
MESSAGES: list[Any] = [{"role": "user", "content": "What is the weather?"}]
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "time"}},
]
TEMPLATE = Path(__file__).parent / "data" / "tools_template.jinja"
HERMES = '<tool_call>\n{"name": "weather", "arguments": {"city": "Köln {"}}\n</tool_call>'


@pytest.mark.parametrize(
    ("opened", "text", "reasoning", "content"),
    [
        (False, "<think>a b</think>c", "a b", "c"),
        (False, " \n<think>\na</think>\n\nc</think>", "\na", "\n\nc</think>"),
        (False, "no <think>a</think>", "", "no <think>a</think>"),
        (False, "<thinking", "", "<thinking"),
        (False, "<think", "", "<think"),
        (True, "a</think>b", "a", "b"),
        (True, "a</thin", "a</thin", ""),
    ],
)
def test_reasoning_is_split_at_its_tags(opened: bool, text: str, reasoning: str, content: str) -> None:
    """Thinking at the start goes to the reasoning, all else stays content, however the text is cut."""
    for size in (1, 3, 100):
        splitter = ReasoningSplitter(opened=opened)
        parts = [splitter.push(text[at : at + size]) for at in range(0, len(text), size)] + [splitter.close()]

        assert ("".join(p.reasoning for p in parts), "".join(p.content for p in parts)) == (reasoning, content)


@pytest.mark.parametrize(
    ("text", "content", "calls"),
    [
        (f"Sure. {HERMES}", "Sure. ", [("weather", {"city": "Köln {"})]),
        (
            f"{HERMES}\n{HERMES.replace('weather', 'time')}",
            "",
            [("weather", {"city": "Köln {"}), ("time", {"city": "Köln {"})],
        ),
        ('{"name": "time", "parameters": {}}', "", [("time", {})]),
        ('{"name": "time", "arguments": "{\\"a\\": 1}"}', "", [("time", {"a": 1})]),
        (
            "<tool_call><function=weather>\n<parameter=city>\nParis\n</parameter>\n</function></tool_call>",
            "",
            [("weather", {"city": "Paris"})],
        ),
        ('<tool_call>{"name": "time", "arguments": {}}', "", [("time", {})]),
        ('{"name": "other", "arguments": {}}', '{"name": "other", "arguments": {}}', []),
        ('<tool_call>{"name": "time", "argum', '<tool_call>{"name": "time", "argum', []),
        ("{" * 2000, "{" * 2000, []),
        ("{}", "{}", []),
    ],
)
def test_call_formats(text: str, content: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Hermes, Qwen and plain JSON; undeclared names and broken calls stay text; arguments are JSON text."""
    parsed = parse_tool_calls(text, {"weather", "time"})

    assert parsed.content == content
    assert [(call.name, json.loads(call.arguments)) for call in parsed.calls] == calls


def test_text_that_may_be_a_call_is_held_back() -> None:
    """Nothing of a call is shown as text, and text that turns out to be none comes at the end."""
    collector = ToolCallCollector({"time"})

    assert [collector.push(piece) for piece in ("a ", "<", "b", " <tool", "_call>x")] == ["a", "", " <b", "", ""]
    assert collector.close() == (" <tool_call>x", [])
    collector = ToolCallCollector({"time"}, single=True)
    collector.push('{"name": "time", "arguments": {}} {"name": "time", "arguments": {}}')
    assert collector.close().calls == [ToolCall("time", "{}")]


@pytest.mark.parametrize("stream", [False, True])
def test_calls_over_http(talking: Talk, stream: bool) -> None:
    """The answer has tool_calls with ids and argument strings, content null, and the reason tool_calls."""
    with talking(HERMES, template=TEMPLATE) as client:
        if stream:
            with client.chat.completions.stream(model="demo", messages=MESSAGES, tools=TOOLS, temperature=0) as events:
                choice: Any = events.get_final_completion().choices[0]
        else:
            choice = client.chat.completions.create(
                model="demo", messages=MESSAGES, tools=TOOLS, temperature=0
            ).choices[0]

    call = choice.message.tool_calls[0]
    assert choice.finish_reason == "tool_calls"
    assert not choice.message.content
    assert call.id.startswith("call_")
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "Köln {"}


def test_tool_choice(talking: Talk, folder: ModelFolder) -> None:
    """None shows the model no tools; required and a named function open the call for it."""
    with talking('{"city": "Bonn"}}\n</tool_call>', template=TEMPLATE) as client:

        def ask(choice: Any) -> Any:
            extra = {"return_token_ids": True}
            return client.chat.completions.create(
                model="demo", messages=MESSAGES, tools=TOOLS, tool_choice=choice, temperature=0, extra_body=extra
            )

        none, named = ask("none"), ask({"type": "function", "function": {"name": "weather"}})
        with pytest.raises(openai.BadRequestError):
            ask({"type": "function", "function": {"name": "unknown"}})
    with talking('time", "arguments": {}}</tool_call>', template=TEMPLATE) as client:
        required = ask("required")

    assert none.choices[0].message.tool_calls is None
    assert "# Tools" not in folder.tokenizer.decode(none.model_extra["prompt_token_ids"])
    assert named.choices[0].message.tool_calls[0].function.arguments == '{"city": "Bonn"}'
    assert required.choices[0].message.tool_calls[0].function.name == "time"


def test_calls_and_results_are_part_of_the_conversation(talking: Talk, folder: ModelFolder) -> None:
    """Earlier calls reach the template with arguments as objects, results as messages of the role tool."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bonn"}'}}
    history: list[Any] = [
        *MESSAGES,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "rain"}]},
    ]
    with talking("It rains.", template=TEMPLATE) as client:
        answer = client.chat.completions.create(
            model="demo", messages=history, temperature=0, extra_body={"return_token_ids": True}
        )
    prompt = folder.tokenizer.decode((answer.model_extra or {})["prompt_token_ids"], skip_special_tokens=False)

    assert '<tool_call>weather:{"city": "Bonn"}</tool_call>' in prompt
    assert "<|im_start|>tool\nrain<|im_end|>" in prompt
    assert answer.choices[0].message.content == "It rains."


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_over_http(talking: Talk, stream: bool) -> None:
    """Thinking comes as reasoning_content, also where the template opened it; chat_template_kwargs reach the template."""
    for said, thinking in (("<think>hm</think>Yes.", False), ("hm</think>Yes.", True)):
        with talking(said, template=TEMPLATE) as client:
            answer: Any = client.chat.completions.create(
                model="demo",
                messages=MESSAGES,
                temperature=0,
                stream=stream,
                extra_body={"chat_template_kwargs": {"enable_thinking": thinking}},
            )
            parts = [c.choices[0].delta for c in answer] if stream else [answer.choices[0].message]

        assert "".join((part.model_extra or {}).get("reasoning_content") or "" for part in parts).strip() == "hm"
        assert "".join(part.content or "" for part in parts) == "Yes."


def test_continued_message(talking: Talk, folder: ModelFolder) -> None:
    """The last message stays open and only its continuation is answered."""
    history: list[Any] = [*MESSAGES, {"role": "assistant", "content": "It is"}]
    extra = {"continue_final_message": True, "return_token_ids": True}
    with talking(" fine.") as client:
        answer = client.chat.completions.create(model="demo", messages=history, temperature=0, extra_body=extra)
        both = {**extra, "add_generation_prompt": True}
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="demo", messages=history, extra_body=both)
    prompt = folder.tokenizer.decode((answer.model_extra or {})["prompt_token_ids"], skip_special_tokens=False)

    assert prompt.endswith("<|im_start|>assistant\nIt is")
    assert answer.choices[0].message.content == " fine."


def test_tools_need_a_template_that_shows_them(talking: Talk, tmp_path: Path) -> None:
    """A template that knows no tools: that is said, not ignored."""
    plain = tmp_path / "plain.jinja"
    plain.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    with talking("x", template=plain) as client, pytest.raises(openai.BadRequestError, match="no place for tools"):
        client.chat.completions.create(model="demo", messages=MESSAGES, tools=TOOLS)
