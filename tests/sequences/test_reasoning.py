"""Reasoning and tool calls as four families of chat templates write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chat_templates import QUESTION, Templated
from token_difr.records import Response
from token_difr.sequences import ReasoningJoiner, render, tokenize

HEAD = "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}<end>{% endif %}{% endfor %}"

QWEN = (  # keeps the reasoning of the last turn; without thinking the generation prompt holds an empty block
    HEAD
    + "{% for m in messages %}{% if m.role == 'assistant' %}A:"
    + "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content }}"
    + "{% for c in m.tool_calls or [] %}<call>{{ c.function.name }}</call>{% endfor %}<end>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}A:{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
ALWAYS_CLOSED = QWEN.replace("enable_thinking is false", "true")
R1 = (  # opens the block itself and drops the reasoning of every past turn
    HEAD
    + "{% for m in messages %}{% if m.role == 'assistant' %}A:{{ m.content }}<end>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}A:<think>\n{% endif %}"
)
KEEPS_AND_OPENS = (  # as newer thinking models do: the block is opened, and the last turn's reasoning kept
    HEAD
    + "{% for m in messages %}{% if m.role == 'assistant' %}A:<think>\n{{ m.reasoning_content }}\n</think>\n\n"
    + "{{ m.content }}<end>{% endif %}{% endfor %}{% if add_generation_prompt %}A:<think>\n{% endif %}"
)
HARMONY = (  # channels of special tokens
    HEAD
    + "{% for m in messages %}{% if m.role == 'assistant' %}<start>A<channel>analysis<msg>{{ m.thinking }}<end>"
    + "<start>A<channel>final<msg>{{ m.content }}<return>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}<start>A{% endif %}"
)
PLAIN = (
    HEAD
    + "{% for m in messages %}{% if m.role == 'assistant' %}A:{{ m.content }}<end>{% endif %}{% endfor %}"
    + "{% if add_generation_prompt %}A:{% endif %}"
)
SPECIAL = ("<end>", "<start>", "<channel>", "<msg>", "<return>", "<call>", "</call>")


def tokenizer_of(template: str) -> Templated:
    """A tokenizer of characters with that template and the special tokens of this file."""
    return Templated(template, special=SPECIAL)


def written(
    template: str, reasoning: str, content: str, variables: Mapping[str, Any] | None = None, **response: Any
) -> str:
    """The output's tokens, spelled."""
    tokenizer = tokenizer_of(template)
    answer = Response(index=0, content=content, reasoning=reasoning, finish_reason="length", **response)
    (sequence,) = tokenize([QUESTION], [answer], tokenizer, chat_template_kwargs=variables)
    return tokenizer.decode(list(sequence.output_token_ids))


@pytest.mark.parametrize(
    ("template", "output"),
    [
        (QWEN, "<think>\nhm\n</think>\n\nyes"),
        (R1, "hm\n</think>\n\nyes"),
        (KEEPS_AND_OPENS, "hm\n</think>\n\nyes"),
        (HARMONY, "<channel>analysis<msg>hm<end><start>A<channel>final<msg>yes"),
        (PLAIN, "<think>hm</think>yes"),
    ],
    ids=["qwen", "r1", "keeps-and-opens", "harmony", "plain"],
)
def test_as_the_template_writes_it(template: str, output: str) -> None:
    """Each family's own form; a block that the generation prompt has opened is not opened twice."""
    assert written(template, "hm", "yes") == output


@pytest.mark.parametrize("reasoning", ["hm", "\nhm", "hm\n", "\nhm\n"])
@pytest.mark.parametrize("content", ["yes", "\n\nyes"])
def test_white_space_is_not_written_twice(reasoning: str, content: str) -> None:
    """Some providers strip the template's own white space, some do not: the tokens are the same."""
    assert written(QWEN, reasoning, content) == "<think>\nhm\n</think>\n\nyes"


@pytest.mark.parametrize(
    ("template", "output"),
    [(QWEN, "<think>\nhm"), (R1, "hm"), (HARMONY, "<channel>analysis<msg>hm"), (PLAIN, "<think>hm")],
)
def test_an_answer_cut_within_its_reasoning_does_not_close_it(template: str, output: str) -> None:
    """Nothing is scored that the model had no room to write."""
    assert written(template, "hm", "") == output


def test_indented_content() -> None:
    """Spaces of a text are its own: the template's line breaks stand before them."""
    assert written(QWEN, "hm", "    x") == "<think>\nhm\n</think>\n\n    x"


def test_reasoning_although_the_prompt_closes_the_block() -> None:
    """It is written as the model writes it, nothing of the probe's own prompt with it, and told apart."""
    assert written(ALWAYS_CLOSED, "hm", "yes") == "<think>\nhm\n</think>\n\nyes"
    assert ReasoningJoiner(tokenizer_of(ALWAYS_CLOSED)).join(QUESTION).source == "closed"
    assert written(QWEN, "hm", "yes", {"enable_thinking": False}) == "<think>\nhm\n</think>\n\nyes"


@pytest.mark.parametrize(
    ("template", "output"), [(HARMONY, "<channel>final<msg>yes"), (QWEN, "yes"), (PLAIN, "yes"), (R1, "yes")]
)
def test_answers_without_reasoning(template: str, output: str) -> None:
    """A template with channels opens the answer's own; think blocks are not made up."""
    if template is HARMONY:
        template = template.replace(
            "<channel>analysis<msg>{{ m.thinking }}<end><start>A",
            "{% if m.thinking %}<channel>analysis<msg>{{ m.thinking }}<end><start>A{% endif %}",
        )
    assert written(template, "", "yes") == output


def test_template_tokens_are_special_and_the_texts_are_not() -> None:
    """The template's special tokens are single tokens; what an answer spells stays text."""
    tokenizer = tokenizer_of(HARMONY)
    answer = Response(index=0, content="<end>", reasoning="r", finish_reason="length")
    (sequence,) = tokenize([QUESTION], [answer], tokenizer)
    ids = list(sequence.output_token_ids)
    assert ids[0] == SPECIAL.index("<channel>") + 1
    assert ids[-5:] == [ord(character) for character in "<end>"]


def test_source_is_told() -> None:
    """Whether the template says how to join, or the join is assumed."""
    sources = {
        name: ReasoningJoiner(tokenizer_of(template)).join(QUESTION).source
        for name, template in {"qwen": QWEN, "r1": R1, "plain": PLAIN}.items()
    }
    assert sources == {"qwen": "template", "r1": "opened", "plain": "assumed"}


def test_template_variables_reach_the_prompt() -> None:
    """The prompt is rendered with the audit's variables."""
    tokenizer = tokenizer_of(QWEN)
    off = tokenizer.decode(render(QUESTION, tokenizer, {"enable_thinking": False}))
    assert off == "U:q<end>A:<think>\n\n</think>\n\n"
    assert tokenizer.decode(render(QUESTION, tokenizer)) == "U:q<end>A:"


def calling(name: str) -> dict[str, Any]:
    """The body of an answer that calls a tool."""
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": "{}"}}
    return {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}


def test_tool_calls_are_rendered() -> None:
    """An answer that calls a tool is what the template writes for it."""
    assert written(QWEN, "", "", body=calling("weather")) == "<call>weather</call><end>"


def test_arguments_are_objects_to_the_template() -> None:
    """JSON text in an answer, an object in the template: else it would be quoted twice."""
    template = QWEN.replace("{{ c.function.name }}", "{{ c.function.name }}{{ c.function.arguments | tojson }}")
    body = calling("weather")
    body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '{"city": "Rome"}'
    assert written(template, "", "", body=body) == '<call>weather{"city": "Rome"}</call><end>'
    body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = "{no JSON"
    assert not written(template, "", "", body=body)


def test_tool_calls_that_the_template_does_not_write() -> None:
    """They keep their place with an empty output: a wrong text would be scored against the model."""
    assert not written(PLAIN, "", "", body=calling("weather"))
