"""Kind 5: neutral values that were refused, and errors that explain one branch of a union."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openai.types.chat import ChatCompletionMessage

from token_difr.errors import InputError
from token_difr.server import ServerSettings
from token_difr.server.model.folder import DEMO

COMPLETIONS, CHAT, GENERATE = "/v1/completions", "/v1/chat/completions", "/generate"
MESSAGES: list[Any] = [{"role": "user", "content": "x"}]
BODIES: dict[str, dict[str, Any]] = {
    COMPLETIONS: {"prompt": "x", "max_tokens": 1},
    CHAT: {"messages": MESSAGES, "max_tokens": 1},
    GENERATE: {"text": "x", "sampling_params": {"max_new_tokens": 1}},
}

CHANGES_NOTHING = [
    (COMPLETIONS, {"a_field_of_tomorrow": None}),
    (CHAT, {"a_field_of_tomorrow": None}),
    (CHAT, {"top_logprobs": 0}),
    (CHAT, {"service_tier": "auto"}),
    (CHAT, {"modalities": ["text"]}),
    (CHAT, {"min_tokens": 0}),
    (CHAT, {"echo": False}),
    *((CHAT, {name: "x"}) for name in ("safety_identifier", "prompt_cache_key", "reasoning_effort", "verbosity")),
    *((COMPLETIONS, {name: value}) for name, value in (("priority", 1), ("request_id", "x"))),
    (CHAT, {"include_reasoning": True}),
    (COMPLETIONS, {"stream": True, "stream_options": {"continuous_usage_stats": True}}),
    (GENERATE, dict.fromkeys(["image_data", "audio_data", "lora_path", "session_params", "custom_logit_processor"])),
    (GENERATE, {"sampling_params": {"max_new_tokens": 1, "regex": None, "json_schema": None, "ebnf": None}}),
]


@pytest.mark.parametrize(("path", "fields"), CHANGES_NOTHING, ids=lambda value: str(value)[:40])
def test_what_changes_nothing(http: httpx2.Client, path: str, fields: dict[str, Any]) -> None:
    """It is accepted."""
    answer = http.post(path, json={**BODIES[path], **fields})
    assert answer.status_code == 200, answer.text


def test_a_message_of_the_sdk_that_is_fed_back(http: httpx2.Client) -> None:
    """With its nulls for annotations, function call and audio."""
    said = http.post(CHAT, json=BODIES[CHAT]).json()["choices"][0]["message"]
    dumped = ChatCompletionMessage.model_validate(said).model_dump()
    assert {"annotations", "function_call", "audio"} <= dumped.keys()
    assert http.post(CHAT, json={**BODIES[CHAT], "messages": [*MESSAGES, dumped, *MESSAGES]}).status_code == 200


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        (COMPLETIONS, {"stop": ["x"] * 17}, "'stop' holds 17 elements; at most 16"),
        (COMPLETIONS, {"prompt": [-1]}, "'prompt[0]' must be at least 0, not -1"),
        (COMPLETIONS, {"logprobs": -7}, "'logprobs' must be at least -1, not -7"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "'messages[0].content[0]' must be",
        ),
        (CHAT, {"tool_choice": "perhaps"}, "'tool_choice' must be 'none', 'auto', 'required'"),
    ],
)
def test_an_error_names_the_element_and_the_limit(
    http: httpx2.Client, path: str, fields: dict[str, Any], words: str
) -> None:
    """Of the branch that was meant."""
    answer = http.post(path, json={**BODIES[path], **fields})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_curl_without_a_content_type(http: httpx2.Client) -> None:
    """The error says which header to send."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = http.post(COMPLETIONS, content=b'{"prompt": "x"}', headers=form)
    assert answer.status_code == 400
    assert "content-type: application/json" in answer.json()["error"]["message"]


@pytest.fixture(scope="module")
def guarded(saying: Any) -> Iterator[httpx2.Client]:
    """A server with a key."""
    with saying("x", api_key="k3y") as http:
        yield http


@pytest.mark.parametrize("scheme", ["bearer", "Bearer", "BEARER"])
def test_the_scheme_of_a_key_has_no_case(guarded: httpx2.Client, scheme: str) -> None:
    """RFC 9110's rule."""
    assert guarded.get("/v1/models", headers={"authorization": f"{scheme} k3y"}).status_code == 200


def test_an_empty_key_refuses_to_start(run_cli: Any) -> None:
    """In place of refusing everybody."""
    assert run_cli("serve", "demo", "--api-key=")[0] == 2
    with pytest.raises(InputError, match="key"):
        ServerSettings(model=DEMO, api_key="")
