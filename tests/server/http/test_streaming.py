"""Streams: the same answer in pieces, in the form that the openai SDK parses strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types import Completion
from openai.types.chat import ChatCompletionChunk

from patience import PATIENCE_SECONDS

PROMPT = "What does str.join do?"
Talk = Callable[..., AbstractContextManager[OpenAI]]
MESSAGES: list[Any] = [{"role": "user", "content": PROMPT}]


def events(http: httpx2.Client, path: str, **fields: Any) -> list[dict[str, Any]]:
    """The events of a stream, which must end with [DONE] and hold nothing but data lines."""
    with http.stream("POST", path, json={"model": "demo", "stream": True, **fields}) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line and not line.startswith(":")]

    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    return [json.loads(line[6:]) for line in lines[:-1]]


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0},
        {"temperature": 0, "echo": True, "logprobs": 3},
        {"seed": 3, "logprobs": 2, "ignore_eos": True},
        {"seed": 3, "logprobs": True, "top_logprobs": 2},
        {"temperature": 0, "stop": ["the", "ing"], "logprobs": 0},
        {"seed": 9, "n": 3, "ignore_eos": True},
    ],
)
def test_completion_in_pieces_is_the_whole(http: httpx2.Client, fields: dict[str, Any]) -> None:
    """Text, finish reason, tokens and logprobs of the chunks joined are those of the answer in one piece."""
    fields = {"prompt": PROMPT, "max_tokens": 40, "return_token_ids": True, **fields}
    whole = http.post("/v1/completions", json={"model": "demo", **fields}).json()
    chunks = events(http, "/v1/completions", **fields)
    for choice in whole["choices"]:
        parts = [c for chunk in chunks for c in chunk["choices"] if c["index"] == choice["index"]]

        assert "".join(part["text"] for part in parts) == choice["text"]
        assert [part["finish_reason"] for part in parts] == [None] * (len(parts) - 1) + [choice["finish_reason"]]
        assert [token for part in parts for token in part["token_ids"]] == choice["token_ids"]
        assert parts[0]["prompt_token_ids"] == choice["prompt_token_ids"]
        if choice["logprobs"]:
            joined = {name: [v for p in parts for v in p["logprobs"][name]] for name in choice["logprobs"]}

            assert joined == choice["logprobs"]


@pytest.mark.parametrize("fields", [{"temperature": 0}, {"seed": 4, "n": 2, "logprobs": True, "top_logprobs": 2}])
def test_chat_in_pieces_is_the_whole(http: httpx2.Client, fields: dict[str, Any]) -> None:
    """Role first, then deltas, then the finish reason; together the message of the answer in one piece."""
    fields = {"messages": MESSAGES, "max_tokens": 40, "return_token_ids": True, **fields}
    whole = http.post("/v1/chat/completions", json={"model": "demo", **fields}).json()
    chunks = events(http, "/v1/chat/completions", **fields)
    for choice in whole["choices"]:
        parts = [c for chunk in chunks for c in chunk["choices"] if c["index"] == choice["index"]]

        assert parts[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(part["delta"].get("content", "") for part in parts) == choice["message"]["content"]
        assert parts[-1]["delta"] == {}
        assert [part["finish_reason"] for part in parts] == [None] * (len(parts) - 1) + [choice["finish_reason"]]
        assert [token for part in parts for token in part.get("token_ids", [])] == choice["token_ids"]
        if choice["logprobs"]:
            content = [entry for part in parts[1:] for entry in part["logprobs"]["content"]]

            assert content == choice["logprobs"]["content"]


def test_usage_comes_last_where_it_is_asked_for(http: httpx2.Client) -> None:
    """With include_usage every chunk has usage null and one more, without choices, has the numbers."""
    options = {"stream_options": {"include_usage": True}, "max_tokens": 5, "ignore_eos": True}
    for path, prompt in (("/v1/completions", {"prompt": PROMPT}), ("/v1/chat/completions", {"messages": MESSAGES})):
        *chunks, last = events(http, path, **prompt, **options)

        assert all(chunk["usage"] is None for chunk in chunks)
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] == 5
        assert all("usage" not in chunk for chunk in events(http, path, **prompt, max_tokens=2))


def test_sdk_models_accept_every_chunk(client: OpenAI, http: httpx2.Client) -> None:
    """The SDK's stream objects work, and its models validate each chunk strictly."""
    stream = client.chat.completions.create(
        model="demo", messages=MESSAGES, max_tokens=8, stream=True, logprobs=True, top_logprobs=1
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    for chunk in events(http, "/v1/chat/completions", messages=MESSAGES, max_tokens=8, logprobs=True):
        ChatCompletionChunk.model_validate(chunk, strict=True)
    for chunk in events(http, "/v1/completions", prompt=PROMPT, max_tokens=8, logprobs=1):
        finished = {
            **chunk,
            "choices": [{**c, "finish_reason": c["finish_reason"] or "stop"} for c in chunk["choices"]],
        }
        Completion.model_validate(finished, strict=True)


def test_incomplete_characters_are_never_shown(talking: Talk) -> None:
    """Characters of several tokens come whole; a stop string is never shown in part."""
    with talking("ein 🎉 für 日本 STOP and more") as client:
        stream = client.chat.completions.create(
            model="demo", messages=MESSAGES, temperature=0, stream=True, stop=["STOP"]
        )
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert "".join(pieces) == "ein 🎉 für 日本 "
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)
    assert not any(piece.endswith(("S", "ST", "STO")) for piece in pieces)


def test_failure_in_mid_stream_is_an_event(talking: Talk) -> None:
    """What was made is sent, then an error event without inner details, then the end."""
    with (
        talking("one two three four five six", fail_at=4) as client,
        httpx2.Client(base_url=client.base_url, timeout=PATIENCE_SECONDS) as http,
    ):
        *chunks, last = events(http, "chat/completions", messages=MESSAGES, temperature=0)

    assert chunks
    assert last["error"]["code"] == "internal_error"
    assert "secret" not in json.dumps(last)


def test_leaving_clients_free_the_model(talking: Talk) -> None:
    """A client that closes its stream, or its connection while it waits, stops its own sequence."""
    with talking("word " * 200, seconds_a_token=1, max_batch=1) as client:
        stream = client.completions.create(model="demo", prompt="a b", temperature=0, max_tokens=800, stream=True)
        next(iter(stream))
        stream.close()
        with pytest.raises(Exception, match="timed out"):
            client.completions.create(model="demo", prompt="a b", temperature=0, max_tokens=800, timeout=0.2)
        # 800 seconds each, one after the other, if they went on: longer than the SDK waits for the next request.
        answer = client.completions.create(model="demo", prompt="a b", max_tokens=1)

    assert answer.usage is not None
    assert answer.usage.completion_tokens == 1
