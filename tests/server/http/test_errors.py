"""Errors are OpenAI's objects, name the field, and leak nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"model": "other"}, 404, "model", "model_not_found"),
        ({"prompt": ""}, 400, "prompt", None),
        ({"prompt": []}, 400, "prompt", None),
        ({"prompt": [2048]}, 400, "prompt", None),
        ({"prompt": [-1]}, 400, "prompt", None),
        ({"prompt": 5}, 400, "prompt", None),
        ({"temperature": -1}, 400, "temperature", None),
        ({"temperature": "1"}, 400, "temperature", None),
        ({"top_p": 0}, 400, "top_p", None),
        ({"max_tokens": -1}, 400, "max_tokens", None),
        ({"max_tokens": 5000}, 400, "max_tokens", "context_length_exceeded"),
        ({"logprobs": 21}, 400, "logprobs", None),
        ({"prompt_logprobs": 21}, 400, "prompt_logprobs", None),
        ({"logit_bias": {"x": 1}}, 400, "logit_bias", None),
        ({"logit_bias": {"2048": 1}}, 400, "logit_bias", None),
        ({"temprature": 1}, 400, "temprature", None),
        ({"suffix": "x"}, 400, "suffix", None),
        ({"best_of": 3}, 400, "best_of", None),
        ({"response_format": {"type": "json_object"}}, 400, "response_format", None),
    ],
)
def test_bad_fields(http: httpx2.Client, fields: dict[str, Any], status: int, param: str, code: str | None) -> None:
    """Each is refused with its status, and the error names the field."""
    answer = http.post("/v1/completions", json={"prompt": "x", "max_tokens": 1, **fields})
    error = answer.json()["error"]

    assert answer.status_code == status
    assert error["param"] == param
    assert error["code"] == code
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"prompt": NaN}', b"\xff\xfe"])
def test_bodies_that_are_no_objects(http: httpx2.Client, body: bytes) -> None:
    """Whatever is not a JSON object is a 400, never a 500."""
    answer = http.post("/v1/completions", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", b'{"prompt": "\\ud800"}'),
        ("/v1/completions", b'{"prompt": "x", "stop": "\\ud800"}'),
        ("/v1/completions", b'{"prompt": "x", "model": "\\ud800"}'),
        ("/v1/completions", b'{"prompt": "x", "\\ud800": 1}'),
        ("/v1/chat/completions", b'{"messages": [{"role": "user", "content": "\\ud800"}]}'),
        (
            "/v1/chat/completions",
            b'{"messages": [{"role": "user", "content": "x"}], "chat_template_kwargs": {"messages": "\\ud800"}}',
        ),
        (
            "/v1/chat/completions",
            b'{"messages": [{"role": "user", "content": "x"}], "chat_template_kwargs": {"add_generation_prompt": 1}}',
        ),
        ("/generate", b'{"text": "\\ud800"}'),
        ("/generate", b'{"text": "x", "rid": "\\ud800"}'),
        ("/tokenize", b'{"prompt": "\\ud800"}'),
    ],
)
def test_half_characters_and_odd_template_names(http: httpx2.Client, path: str, body: bytes) -> None:
    """Half a surrogate pair is no text, and the template's own names are not the caller's: 400, never a 500."""
    answer = http.post(path, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_unknown_paths_and_methods(http: httpx2.Client) -> None:
    """404 and 405 have the same form as every other error."""
    assert http.get("/v1/nothing").json()["error"]["code"] == "not_found"
    answer = http.get("/v1/completions")

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_sdk_raises_its_own_errors(client: openai.OpenAI) -> None:
    """The SDK maps statuses to its exception types and finds the code."""
    with pytest.raises(openai.NotFoundError) as unknown:
        client.completions.create(model="other", prompt="x")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="demo", messages=[])
