"""Thoughts: read off answers of every form, and begun by prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat_templates import CHANNELS, CHATML, QUESTION, THINKING, Templated
from token_difr.errors import InputError, PromptError
from token_difr.records import Response as AuditedResponse
from token_difr.rollouts import Response, RolloutsClient
from token_difr.rollouts.answer import Expected, response_of
from token_difr.rollouts.config import Config
from token_difr.rollouts.conversations import joiner_of
from token_difr.rollouts.thinking import begun_thought, check_injection, family_of, split_thought
from token_difr.sequences import tokenize

MakeClient = Callable[..., RolloutsClient]


def read(message: dict[str, Any], **options: Any) -> Response:
    return response_of({"choices": [{"message": message, "finish_reason": "stop"}]}, Expected(**options), seed=0)


@pytest.mark.parametrize(
    ("content", "reasoning", "expected"),
    [
        ("<think>hm</think>yes", "", ("hm", "yes", True)),
        ("hm</think>yes", "", ("hm", "yes", True)),
        ("<think>hm", "", ("hm", "", False)),
        ("yes", "", ("", "yes", None)),
        ("yes", "hm", ("hm", "yes", True)),
        ("", "hm", ("hm", "", False)),
        ("\n<think>hm</think>a</think>b", "", ("hm", "a</think>b", True)),
    ],
)
def test_parts_of_an_answer(content: str, reasoning: str, expected: tuple[str, str, bool | None]) -> None:
    """Tags, tags whose first one the template wrote, a separate field, and no thought at all."""
    thought = split_thought(content, reasoning)
    assert (thought.reasoning, thought.content, thought.completed) == expected


def test_full_is_as_the_model_wrote_it() -> None:
    """With tags it is the text; with a separate field both are joined, by the template where that is known."""
    assert read({"content": "<think>hm</think>yes"}).full == "<think>hm</think>yes"
    assert read({"content": "yes", "reasoning": "hm"}).full == "hm\n</think>\nyes"
    assert read({"content": "yes", "reasoning_content": "hm"}).reasoning == "hm"
    joined = read({"content": "yes", "reasoning": "hm"}, join=lambda reasoning, content, **_: f"[{reasoning}]{content}")
    assert joined.full == "[hm]yes"


@pytest.mark.parametrize(
    ("message", "finish_reason", "full"),
    [
        ({"content": "", "reasoning": "hm"}, "length", "hm"),
        ({"content": None, "reasoning_content": "hm"}, "length", "hm"),
        ({"content": [{"type": "thinking", "thinking": "hm"}]}, "length", "hm"),
        ({"content": "", "reasoning": "hm"}, "stop", "hm\n</think>\n"),
        ({"content": "yes", "reasoning": "hm"}, "length", "hm\n</think>\nyes"),
    ],
)
def test_a_thought_that_was_cut_is_not_closed(message: dict[str, Any], finish_reason: str, full: str) -> None:
    """As in an audit: what the model had no room to write is no part of its output."""
    body = {"choices": [{"message": message, "finish_reason": finish_reason}]}
    assert response_of(body, Expected(), seed=0).full == full


@pytest.mark.parametrize("template", [CHATML, THINKING, CHANNELS])
@pytest.mark.parametrize("content", ["", "yes"])
@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_joined_as_an_audit_does(template: str, content: str, finish_reason: str) -> None:
    """Rollouts and audits have one rule for what a model wrote."""
    tokenizer: Any = Templated(template)
    answer: dict[str, Any] = {"index": 0, "content": content, "reasoning": "hm", "finish_reason": finish_reason}
    (sequence,) = tokenize([QUESTION], [AuditedResponse(**answer)], tokenizer, score_end=False)
    join = joiner_of(Config(model="m"), tokenizer, QUESTION)
    assert tokenizer.decode(list(sequence.output_token_ids)) == join("hm", content, finished=finish_reason == "stop")


def test_content_that_is_null() -> None:
    """Null is an empty text."""
    response = read({"content": None})
    assert (response.full, response.content, response.reasoning) == ("", "", "")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("2+2? <think>", ("2+2?", "<think>")),
        ("2+2? <think>It is", ("2+2?", "<think>It is")),
        ("a <think>b <think>c", ("a", "<think>b <think>c")),
        ("2+2?", None),
    ],
)
def test_begun_thought(prompt: str, expected: tuple[str, str] | None) -> None:
    """The first tag divides question and thought; one at the very end begins an empty thought."""
    assert begun_thought(prompt) == expected


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("deepseek/deepseek-r1-distill-qwen-14b", True),
        ("Qwen/QwQ-32B", True),
        ("qwen/qwen3-235b-a22b-thinking-2507", True),
        ("qwen/qwen-2.5-7b-instruct", True),
        ("Qwen/Qwen2.5-72B-Instruct", True),
        ("anthropic/claude-opus-4", True),
        ("openai/gpt-oss-20b", False),
        ("google/gemini-2.5-pro", False),
    ],
)
def test_families(model: str, takes: bool) -> None:
    """Models that go on with a thought do; the others are refused with the reason."""
    if takes:
        assert check_injection(model, None)
    else:
        with pytest.raises(InputError, match="cannot go on with a thought"):
            check_injection(model, True)
    assert family_of(model) is not None


def test_unknown_models_need_a_word() -> None:
    """A model of no family takes a thought only if the user says so."""
    with pytest.raises(InputError, match="think_tag=True"):
        check_injection("acme/model", None)
    assert check_injection("acme/model", True)
    assert not check_injection("acme/model", False)


def sent(endpoint: Any) -> dict[str, Any]:
    body: dict[str, Any] = endpoint.requests[-1][1]
    return body


def test_injection_by_prefill(endpoint: Any, make_client: MakeClient) -> None:
    """The thought goes out as an assistant's message, which a vLLM server is told to go on with."""
    client = make_client(endpoint.url, "deepseek-r1")
    client.generate("2+2? <think>It is")
    assert sent(endpoint)["messages"] == [
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "<think>It is"},
    ]
    assert (sent(endpoint)["continue_final_message"], sent(endpoint)["add_generation_prompt"]) == (True, False)
    client.generate("2+2? <think>It is", service="openrouter")
    assert "continue_final_message" not in sent(endpoint)


def test_answer_to_a_begun_thought(endpoint: Any, make_client: MakeClient) -> None:
    """What comes back is thought until the closing tag."""
    endpoint.answer = lambda *_: (200, endpoint.chat(" four.</think>4"))
    response = make_client(endpoint.url, "deepseek-r1").generate("2+2? <think>It is")[0]
    assert (response.reasoning, response.content, response.completed_reasoning) == (" four.", "4", True)
    endpoint.answer = lambda *_: (200, endpoint.chat(" fo"))
    response = make_client(endpoint.url, "deepseek-r1").generate("3+3? <think>It is")[0]
    assert (response.reasoning, response.content, response.completed_reasoning) == (" fo", "", False)


def test_tag_as_text(endpoint: Any, make_client: MakeClient) -> None:
    """``think_tag=False`` sends the prompt as it is; a prompt of nothing but the tag has no question."""
    client = make_client(endpoint.url, "deepseek-r1")
    client.generate("what is <think>?", think_tag=False)
    assert sent(endpoint)["messages"] == [{"role": "user", "content": "what is <think>?"}]
    with pytest.raises(PromptError, match="no text"):
        client.generate("<think>")


def test_conversation_that_ends_with_the_assistant(endpoint: Any, make_client: MakeClient) -> None:
    """It is gone on with, whatever it begins; what comes is an answer unless a thought was opened."""
    messages = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "It is"}]
    response = make_client(endpoint.url).generate(messages)[0]
    assert (response.content, response.reasoning, response.completed_reasoning) == ("IT IS", "", None)
    assert sent(endpoint)["messages"] == messages
    assert sent(endpoint)["continue_final_message"] is True


def test_thought_that_was_begun_and_ended(endpoint: Any, make_client: MakeClient) -> None:
    """Behind a closed thought the answer goes on."""
    endpoint.answer = lambda *_: (200, endpoint.chat(" 42"))
    response = make_client(endpoint.url, "deepseek-r1").generate("6*7? <think>easy</think>It is")[0]
    assert (response.content, response.reasoning) == (" 42", "")


@pytest.mark.parametrize("content", ["", None, [{"type": "text", "text": "x"}]])
def test_assistant_without_a_text(endpoint: Any, make_client: MakeClient, content: Any) -> None:
    """There is nothing to go on with; nor does GPT-OSS go on with a thought in a message list."""
    messages = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": content}]
    with pytest.raises(PromptError, match="no text to go on with"):
        make_client(endpoint.url).generate(messages)
    messages[1]["content"] = "<think>hm"
    with pytest.raises(InputError, match="cannot go on"):
        make_client(endpoint.url, "openai/gpt-oss-20b").generate(messages)
    assert endpoint.requests == []


def test_injection_by_completions(endpoint: Any, make_client: MakeClient, characters: Any) -> None:
    """By the completions endpoint the thought stands behind the rendered prompt; an opened block is not opened twice."""
    endpoint.answer = lambda *_: (200, {"choices": [{"text": " four</think>4", "finish_reason": "stop"}]})
    client = make_client(endpoint.url, "deepseek-r1", endpoint="completions", tokenizer=characters)
    response = client.generate("2+2? <think>It is")[0]
    assert "".join(map(chr, sent(endpoint)["prompt"])) == "user:2+2?\x02assistant:<think>It is"
    assert (response.reasoning, response.content) == (" four", "4")

    class Opening(type(characters)):  # type: ignore[misc]
        def apply_chat_template(self, conversation: Any, **options: Any) -> str:
            return str(super().apply_chat_template(conversation, **options)) + "<think>\n"

    client.generate("2+2? <think>It is", tokenizer=Opening())
    assert "".join(map(chr, sent(endpoint)["prompt"])) == "user:2+2?\x02assistant:<think>\nIt is"


def test_raw_completions(endpoint: Any, make_client: MakeClient) -> None:
    """``raw`` sends the text itself."""
    endpoint.answer = lambda *_: (200, {"choices": [{"text": " b</think>c", "finish_reason": "stop"}]})
    client = make_client(endpoint.url, endpoint="completions", raw=True)
    response = client.generate("Once <think>a")[0]
    assert sent(endpoint)["prompt"] == "Once <think>a"
    assert (response.reasoning, response.content) == (" b", "c")
    with pytest.raises(InputError, match="raw=True takes a text"):
        client.generate([{"role": "user", "content": "x"}])
