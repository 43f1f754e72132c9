"""Asking a provider, over loopback HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from token_difr.answers import collect, estimate
from token_difr.errors import AnswerError, AuthenticationError, EndpointError, InputError
from token_difr.records import Response, SamplingParams
from token_difr.services import open_client


def run(endpoint: Any, prompts: list[Any], **options: Any) -> list[Response]:
    async def work() -> list[Response]:
        async with open_client(endpoint.url, max_retries=options.pop("max_retries", 0)) as client:
            return await collect(prompts, client=client, model="m", progress=False, **options)

    return asyncio.run(work())


def test_answers_in_order(endpoint: Any, conversations: list[Any]) -> None:
    """Each conversation is asked once, its answer stands at its index and was kept as it arrived."""
    kept: list[Response] = []
    responses = run(endpoint, conversations, keep=kept.append, concurrency=2)
    assert [response.content for response in responses] == [f"QUESTION {n}" for n in range(5)]
    assert sorted(kept, key=lambda response: response.index) == responses
    assert responses[0].finish_reason == "stop"
    assert (responses[0].prompt_tokens, responses[0].completion_tokens) == (7, 10)
    assert responses[0].body["choices"][0]["message"]["content"] == "QUESTION 0"
    assert sorted(endpoint.tags()) == [f"collect-{n}" for n in range(5)]


def test_request_says_what_is_meant(endpoint: Any, conversations: list[Any]) -> None:
    """Sampling parameters go out under the providers' names, those that are off at their neutral value."""
    run(endpoint, conversations[:1], max_tokens=9)
    assert endpoint.requests[0][1] == {
        "model": "m",
        "messages": conversations[0],
        "max_tokens": 9,
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "repetition_penalty": 1.0,
    }
    params = SamplingParams(temperature=0.5, top_k=4, top_p=0.9, min_p=0.1, seed=(11, 12))
    run(endpoint, conversations[:2], params=params, concurrency=1)
    sent = endpoint.requests[2][1]
    assert {name: sent[name] for name in ("temperature", "top_k", "top_p", "min_p", "seed")} == {
        "temperature": 0.5,
        "top_k": 4,
        "top_p": 0.9,
        "min_p": 0.1,
        "seed": 12,
    }


@pytest.mark.parametrize("seeds", [(), (1,), (1, 2, 3)])
def test_not_one_seed_a_prompt(endpoint: Any, conversations: list[Any], seeds: tuple[int, ...]) -> None:
    """Seeds that are not as many as the prompts are refused before anything is sent."""
    with pytest.raises(InputError, match=f"there are {len(seeds)} seeds for 2 prompts"):
        run(endpoint, conversations[:2], params=SamplingParams(seed=seeds))
    assert endpoint.requests == []


def test_texts_are_conversations(endpoint: Any, conversations: list[Any]) -> None:
    """A plain text is sent as a single user message."""
    run(endpoint, ["question 0"])
    assert endpoint.requests[0][1]["messages"] == conversations[0]


def test_only_missing_answers_are_asked_for(endpoint: Any, conversations: list[Any]) -> None:
    """What is answered already is returned as it is."""
    old = Response(index=3, content="old")
    responses = run(endpoint, conversations, answered={3: old})
    assert responses[3] is old
    assert sorted(endpoint.tags()) == [f"collect-{n}" for n in (0, 1, 2, 4)]


def test_reasoning_and_missing_fields(endpoint: Any, conversations: list[Any]) -> None:
    """Reasoning comes from either field; null content and missing usage are no error."""
    messages = [{"reasoning": "r"}, {"reasoning_content": "s"}, {}]
    endpoint.answer = lambda _path, body: (
        200,
        {"choices": [{"message": {"content": None, **messages[int(body["messages"][-1]["content"][-1])]}}]},
    )
    responses = run(endpoint, conversations[:3])
    assert [response.reasoning for response in responses] == ["r", "s", ""]
    assert responses[0].content == ""
    assert responses[0].finish_reason is None
    assert responses[0].prompt_tokens is None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": {"content": ["a"]}}]},
        {"choices": [{"message": {"content": "half"}, "finish_reason": "error"}]},
        {"error": {"message": "overloaded"}},
        b'{"choices": [{"message"}',
        b'{"choices": [{"message": {"content": "a"}}], "x": ' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"choices": [{"message": {"content": "a"}}], "x": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    ],
)
def test_unfit_answer(endpoint: Any, conversations: list[Any], answer: Any) -> None:
    """An answer that is none is an error that names the endpoint, and is not kept."""
    endpoint.answer = lambda _path, _body: (200, answer)
    kept: list[Response] = []
    with pytest.raises(AnswerError, match=endpoint.url):
        run(endpoint, conversations[:1], keep=kept.append)
    assert kept == []


def test_single_failures_keep_the_rest(endpoint: Any, conversations: list[Any]) -> None:
    """A request that fails after its retries does not cost the others, and the message counts."""
    endpoint.answer = lambda path, body: (
        (500, {"error": "no"}) if "3" in body["messages"][-1]["content"] else endpoint.honest(path, body)
    )
    kept: list[Response] = []
    with pytest.raises(EndpointError, match=r"1 of 5 requests failed, the first because: .*HTTP 500"):
        run(endpoint, conversations, keep=kept.append, max_retries=1)
    assert sorted(response.index for response in kept) == [0, 1, 2, 4]
    assert endpoint.tags().count("collect-3") == 2


def test_refused_key_stops_at_once(endpoint: Any, conversations: list[Any]) -> None:
    """After a refused key nothing more is sent."""
    endpoint.answer = lambda _path, _body: (401, {"error": {"message": "who are you"}})
    with pytest.raises(AuthenticationError, match="who are you"):
        run(endpoint, conversations, concurrency=1)
    assert len(endpoint.requests) == 1


def test_numbers_that_json_lacks(endpoint: Any, conversations: list[Any]) -> None:
    """NaN and infinities that a server writes into its answer are kept as words."""
    endpoint.answer = lambda _path, _body: (
        200,
        b'{"choices": [{"message": {"content": "a"}, "x": [NaN, -Infinity, 1.5]}]}',
    )
    assert run(endpoint, conversations[:1])[0].body["choices"][0]["x"] == ["nan", "-inf", 1.5]


def test_estimate() -> None:
    """Cost is tokens times price over a million; unknown where one of them is."""
    figures = estimate(10, max_tokens=100, prompt_tokens=500, price_input=2.0, price_output=8.0)
    assert figures.max_output_tokens == 1000
    assert figures.max_cost == pytest.approx((500 * 2 + 1000 * 8) / 1e6)
    assert estimate(10, max_tokens=100, prompt_tokens=500).max_cost is None
    assert estimate(10, max_tokens=100, price_input=2.0, price_output=8.0).max_cost is None
    with pytest.raises(InputError, match="price_input"):
        estimate(10, max_tokens=100, price_input=-1.0)
