"""OpenRouter's functions, of both revisions, over loopback HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from token_difr import TokenSequence, tokenize_openrouter_responses
from token_difr.errors import AnswerError, EndpointError
from token_difr.openrouter_api import (
    generate_openrouter_responses,
    openrouter_request,
    run_all_prompts,
    save_results,
)
from token_difr.sequences.interchange import Samples


def with_client(endpoint: Any, work: Callable[[openai.AsyncOpenAI], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with openai.AsyncOpenAI(base_url=f"{endpoint.url}/v1", api_key="x-secret", max_retries=0) as client:
            return await work(client)

    return asyncio.run(run())


def generate(endpoint: Any, conversations: Any, **options: Any) -> Any:
    return with_client(
        endpoint,
        lambda client: generate_openrouter_responses(client, conversations, "m", **{"provider": "p", **options}),
    )


def thinking(endpoint: Any) -> None:
    """Let the endpoint answer with reasoning in a field of its own."""
    endpoint.answer = lambda _path, body: (
        200,
        endpoint.chat(body["messages"][-1]["content"].upper(), reasoning="hm " + body["messages"][-1]["content"]),
    )


def test_generate(endpoint: Any, conversations: Any) -> None:
    """Completions in input order; the provider that is named is the only one that may answer."""
    responses = generate(endpoint, conversations, seed=42, concurrency=1)
    assert [each.choices[0].message.content for each in responses] == [f"QUESTION {n}" for n in range(5)]
    assert all(isinstance(each, openai.types.chat.ChatCompletion) for each in responses)
    (_, body, _), *_ = endpoint.requests
    assert body == {
        "model": "m",
        "messages": conversations[0],
        "max_tokens": 100,
        "temperature": 0.0,
        "seed": 42,
        "provider": {"only": ["p"]},
    }


def test_generate_without_provider_and_seed(endpoint: Any, conversations: Any) -> None:
    """None leaves the choice to OpenRouter: nothing is sent for it."""
    generate(endpoint, conversations[:1], provider=None)
    assert sorted(endpoint.requests[0][1]) == ["max_tokens", "messages", "model", "temperature"]


def test_conversations_that_end_with_the_assistant(endpoint: Any) -> None:
    """They go out as they are: old tests send such."""
    conversation = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert generate(endpoint, [conversation])[0].choices[0].message.content == "B"


def test_failures(endpoint: Any, conversations: Any) -> None:
    """A refused request and an answer without choices are errors of the endpoint."""
    endpoint.answer = lambda _path, _body: (400, {"error": {"message": "too long"}})
    with pytest.raises(EndpointError, match="too long"):
        generate(endpoint, conversations)
    endpoint.answer = lambda _path, _body: (200, {"choices": [], "error": {"message": "upstream"}})
    with pytest.raises(AnswerError, match=r"no choices: .*upstream"):
        generate(endpoint, conversations)


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [], "error": "\x1b[31mno\nverdict: consistent, key x-secret"},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": "a"}, "finish_reason": "error"}]},
        b"<html>another site</html>",
        [],
    ],
)
def test_answers_that_are_none(endpoint: Any, conversations: Any, answer: Any) -> None:
    """Each is an error of one printable line, without the key."""
    endpoint.answer = lambda _path, _body: (200, answer)
    with pytest.raises(AnswerError) as raised:
        generate(endpoint, conversations)
    assert str(raised.value).isprintable()
    assert "x-secret" not in str(raised.value)


def test_tokenize(endpoint: Any, conversations: Any, plain: Any) -> None:
    """The rendered conversation, and the answer with its reasoning in a think block, cut to max_tokens."""
    thinking(endpoint)
    responses = generate(endpoint, conversations[:2])
    first, _ = tokenize_openrouter_responses(conversations[:2], responses, plain)
    assert "".join(map(chr, first.prompt_token_ids)) == "user:question 0;assistant:"
    assert "".join(map(chr, first.output_token_ids)) == "<think>hm question 0</think>QUESTION 0"
    cut, _ = tokenize_openrouter_responses(conversations[:2], responses, plain, max_tokens=7)
    assert "".join(map(chr, cut.output_token_ids)) == "<think>"
    with pytest.raises(ValueError, match="shorter"):
        tokenize_openrouter_responses(conversations, responses, plain)


def test_answers_without_content(endpoint: Any, conversations: Any, plain: Any) -> None:
    """Null content and null reasoning are empty outputs, not failures."""
    completion = endpoint.chat("")
    completion["choices"][0]["message"] = {"role": "assistant", "content": None, "reasoning": None}
    endpoint.answer = lambda _path, _body: (200, completion)
    (sequence,) = tokenize_openrouter_responses(conversations[:1], generate(endpoint, conversations[:1]), plain)
    assert sequence.output_token_ids == []


def test_openrouter_request(endpoint: Any, conversations: Any) -> None:
    """The older revision: content and reasoning, "" for null; the provider may not be replaced by another."""
    answer = with_client(endpoint, lambda client: openrouter_request(client, "m", conversations[0], 9, 1e-8, "p"))
    assert answer == ("QUESTION 0", "")
    assert endpoint.requests[0][1]["provider"] == {"only": ["p"]}
    thinking(endpoint)
    answer = with_client(endpoint, lambda client: openrouter_request(client, "m", conversations[0], 9, 0.0, "p"))
    assert answer == ("QUESTION 0", "hm question 0")


def test_run_all_prompts(endpoint: Any, conversations: Any) -> None:
    """The older revision: each prompt with its answer, in input order."""
    thinking(endpoint)
    answers = with_client(endpoint, lambda client: run_all_prompts(client, "m", conversations, 9, 0.0, "p", 3))
    assert answers == [(prompt, f"QUESTION {n}", f"hm question {n}") for n, prompt in enumerate(conversations)]


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("older", [True, False])
def test_save_results(
    endpoint: Any, conversations: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, older: bool, by_name: bool
) -> None:
    """Both revisions' forms, by position and by name, write the same file and say so."""
    thinking(endpoint)
    responses = generate(endpoint, conversations[:2])
    path = tmp_path / "out.json"
    samples = [(prompt, f"QUESTION {n}", f"hm question {n}") for n, prompt in enumerate(conversations[:2])]
    given: dict[str, Any] = (
        {"samples": samples} if older else {"conversations": conversations[:2], "responses": responses}
    )
    given |= {"save_path": path, "config": {"model": "m"}, "model_name": "demo", "max_tokens": 8}
    save: Callable[..., None] = save_results
    if by_name:
        first = next(iter(given))  # the first by position, all else by name
        save(given[first], **{name: value for name, value in given.items() if name != first})
        save(**given)
        capsys.readouterr()
        save(**given)
    else:
        save(*given.values())
    assert capsys.readouterr().out == f"Saved 2 samples to {path}\n"
    content = json.loads(path.read_text())
    assert content["config"] == {"model": "m"}
    assert [list(sample) for sample in content["samples"]] == [["prompt_token_ids", "outputs"]] * 2
    assert [len(sample["outputs"][0]["token_ids"]) for sample in content["samples"]] == [8, 8]
    assert all(isinstance(sequence, TokenSequence) for sequence in Samples.read(path).sequences)


def test_save_results_without_a_path(conversations: Any) -> None:
    """A call that fits neither form is a TypeError, as of any function."""
    save: Callable[..., None] = save_results
    with pytest.raises(TypeError, match="missing"):
        save(conversations)
