"""What a request says, in each service's own spelling."""

from __future__ import annotations

from typing import Any

import pytest

from token_difr.errors import InputError
from token_difr.services import (
    RequestOptions,
    chat_fields,
    check_able,
    common_fields,
    completion_fields,
    profile_named,
    routing_to,
)

SAMPLING = {"temperature": 0.7, "top_p": 1.0, "top_k": 0, "presence_penalty": 0.0, "stop": None}


@pytest.mark.parametrize(
    ("service", "topk", "chat", "completion"),
    [
        ("vllm", 0, {"logprobs": True}, {"logprobs": 0}),
        ("vllm", 3, {"logprobs": True, "top_logprobs": 3}, {"logprobs": 3}),
        ("fireworks", 0, {"logprobs": True}, {"logprobs": True, "top_logprobs": 0}),
        ("fireworks", 5, {"logprobs": True, "top_logprobs": 5}, {"logprobs": True, "top_logprobs": 5}),
        ("together", 0, {"logprobs": 1}, {"logprobs": 1}),
        ("together", 4, {"logprobs": 4}, {"logprobs": 4}),
    ],
)
def test_forms_of_logprobs(service: str, topk: int, chat: dict[str, Any], completion: dict[str, Any]) -> None:
    """Each service has its own, at either endpoint."""
    options = RequestOptions(sampling={}, logprobs=topk)
    assert chat_fields(profile_named(service), options) == chat
    assert completion_fields(profile_named(service), options) == completion


def test_neutral_values_are_the_one_difference() -> None:
    """An audit says "off" as the service spells it; rollouts say what was given, as it was given."""
    sglang, options = profile_named("sglang"), RequestOptions(sampling=SAMPLING, seed=3)
    said = common_fields(sglang, options, say_neutral=True)
    assert said == {"temperature": 0.7, **sglang.neutral, "seed": 3}
    assert said["top_k"] == -1
    given = common_fields(sglang, options, say_neutral=False)
    assert given == {"temperature": 0.7, "top_p": 1.0, "top_k": 0, "presence_penalty": 0.0, "seed": 3}
    assert "presence_penalty" not in common_fields(profile_named("tinker"), options, say_neutral=False)


def test_an_answer_that_is_gone_on_with() -> None:
    """Engines are told so, each in its own words; services that go on by themselves are told nothing."""
    options = RequestOptions(sampling={}, begun=True)
    fields = {name: chat_fields(profile_named(name), options) for name in ("vllm", "sglang", "openrouter")}
    assert fields == {
        "vllm": {"continue_final_message": True, "add_generation_prompt": False},
        "sglang": {"continue_final_message": True},
        "openrouter": {},
    }


@pytest.mark.parametrize(
    ("service", "options", "words"),
    [
        ("tinker", {"logprobs": 0}, "tinker gives no logprobs of its output, not 0; these do: openrouter"),
        ("fireworks", {"logprobs": 6}, "at most 5 logprobs a token, not 6"),
        ("vllm", {"routing": routing_to("x")}, "vllm is no router"),
    ],
)
def test_what_a_service_lacks(service: str, options: dict[str, Any], words: str) -> None:
    """Audits and rollouts are refused alike."""
    with pytest.raises(InputError, match=words):
        check_able(profile_named(service), RequestOptions(sampling={}, **options))
