"""Answers as long as the model's context allows, where nobody chose how long they may be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from token_difr.errors import EndpointError
from token_difr.rollouts import Config, RolloutsClient
from token_difr.rollouts.context_room import DefaultTokens, room_of

MakeClient = Callable[..., RolloutsClient]

REFUSALS = {
    "This model's maximum context length is 1024 tokens. However, you requested 4110 tokens (14 in the prompt, 4096 for "
    "the completion).": 1010,
    "This model's maximum context length is 1024 tokens. However, you requested 4110 tokens (14 in the messages, 4096 in "
    "the completion). Please reduce the length of the messages or completion.": 1010,
    "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 1024 tokens and "
    "your request has 14 input tokens (4096 > 1024 - 14). (parameter=max_tokens, value=4096)": 1010,
    "Requested token count exceeds the model's maximum context length of 1024 tokens. You requested a total of 4110 "
    "tokens: 14 tokens from the input messages and 4096 tokens for the completion.": 1010,
    "This endpoint's maximum context length is 1024 tokens. However, you requested about 4110 tokens (14 of text input, "
    "4096 in the output).": 1010,
    "max_tokens is too large: 4096. This model supports at most 512 completion tokens, whereas you provided 4096.": 512,
    "max_model_len is 1024": 512,
    "This model's maximum context length is 1024 tokens. However, your prompt contains at least 1025 input tokens": 0,
    "the context length is 99999999999999999999 tokens": 2048,
    "temperature must be below 2": None,
    "": None,
}


@pytest.mark.parametrize(("refusal", "room"), REFUSALS.items())
def test_what_fits_by_a_servers_words(refusal: str, room: int | None) -> None:
    """Context less prompt, in the words of vLLM, SGLang, OpenRouter, OpenAI and our own server; else a guess, or nothing."""
    assert room_of(refusal, 4096) == room


def crowded(context: int, prompt: int) -> Callable[..., tuple[int, Any]]:
    """The answers of a server whose context is too small for what it is asked."""

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        asked = body["max_tokens"]
        if prompt + asked > context:
            message = (
                f"This model's maximum context length is {context} tokens. However, you requested {prompt + asked} tokens "
                f"({prompt} in the messages, {asked} in the completion)."
            )
            return 400, {"error": {"message": message, "type": "BadRequestError"}}
        choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "length"}
        return 200, {"choices": [choice]}

    return answer


def test_a_default_gives_way(endpoint: Any, make_client: MakeClient) -> None:
    """The refused request goes out again with what fits, and the prompt's other samples at once; the key stays the same."""
    endpoint.answer = crowded(1024, 14)
    client = make_client(endpoint.url, concurrency=1)

    assert client.generate("a", 3).get_contents() == ["yes"] * 3
    assert [body["max_tokens"] for _, body, _ in endpoint.requests] == [4096, 1010, 1010, 1010]
    assert client.generate("a", 3).get_contents() == ["yes"] * 3
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize("at_call", [False, True])
def test_a_choice_does_not(endpoint: Any, make_client: MakeClient, at_call: bool) -> None:
    """What was given is sent as it is, also where it equals the default; the refusal is the error."""
    endpoint.answer = crowded(1024, 14)
    given = {"max_tokens": 4096}
    with pytest.raises(EndpointError, match="maximum context length is 1024"):
        make_client(endpoint.url, **({} if at_call else given)).generate("a", **(given if at_call else {}))
    assert [body["max_tokens"] for _, body, _ in endpoint.requests] == [4096]


@pytest.mark.parametrize("prompt", [1024, 5000])
def test_a_prompt_that_fills_the_context(endpoint: Any, make_client: MakeClient, prompt: int) -> None:
    """Nothing fits: the refusal is the error, after one request."""
    endpoint.answer = crowded(1024, prompt)
    with pytest.raises(EndpointError, match="maximum context length is 1024"):
        make_client(endpoint.url).generate("a")
    assert len(endpoint.requests) == 1


def test_a_default_stays_one() -> None:
    """It is a number like any other, through copies and dictionaries; one from JSON is a choice."""
    config = Config(model="m").changed({"temperature": 1.0})
    assert (config.max_tokens, json.dumps(config.max_tokens)) == (4096, "4096")
    copied = Config(**config.to_dict())
    assert isinstance(copied.max_tokens, DefaultTokens)
    assert not isinstance(Config(model="m", max_tokens=4096).max_tokens, DefaultTokens)
    assert not isinstance(Config(**json.loads(json.dumps(config.to_dict()))).max_tokens, DefaultTokens)
