"""What the client promises: samples, seeds, the cache, overrides, presets."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import token_difr.rollouts as package
from token_difr.errors import InputError
from token_difr.rollouts import (
    PRESETS,
    Config,
    FwResponse,
    FwRollouts,
    Response,
    Rollouts,
    RolloutsClient,
    create_client,
)
from token_difr.testing.faulty_provider import FaultyProvider

MakeClient = Callable[..., RolloutsClient]


def test_samples_have_seeds_in_order(provider: FaultyProvider, make_client: MakeClient) -> None:
    """Sample i has seed base + i, and they come back in that order."""
    drawn = make_client(provider.url).generate("why?", 5, seed=40)
    assert [response.seed for response in drawn] == [40, 41, 42, 43, 44]
    assert drawn.get_texts() == [f"answer {seed} to: why?" for seed in range(40, 45)]
    assert (len(drawn), drawn.num_responses, drawn.errors) == (5, 5, [])


def test_answers_are_paid_for_once(provider: FaultyProvider, make_client: MakeClient) -> None:
    """The same call again sends nothing; more samples send only the new ones."""
    client = make_client(provider.url)
    first = client.generate("why?", 3)
    again = client.generate("why?", 5)
    assert again.get_texts()[:3] == first.get_texts()
    assert [response.cached for response in again] == [True, True, True, False, False]
    assert max(provider.asked.values()) == 1
    assert sum(provider.asked.values()) == 5


def test_without_the_cache(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """``use_cache=False`` sends every time, and makes no file."""
    client = make_client(provider.url, use_cache=False)
    client.generate("why?")
    client.generate("why?")
    assert sum(provider.asked.values()) == 2
    assert not (tmp_path / "cache").exists()
    assert client.generate("why?").cache_dir is None


def test_another_process_finds_the_answers(provider: FaultyProvider, make_client: MakeClient) -> None:
    """The cache outlives its client."""
    make_client(provider.url).generate("why?", 2)
    assert all(response.cached for response in make_client(provider.url).generate("why?", 2))


def test_inside_a_running_loop(provider: FaultyProvider, make_client: MakeClient) -> None:
    """``generate`` works in a notebook; ``agenerate`` is the same."""
    client = make_client(provider.url)

    async def inside() -> tuple[Rollouts, Rollouts]:
        return client.generate("why?"), await client.agenerate("why?")

    first, second = asyncio.run(inside())
    assert first[0].full == second[0].full


def test_many_prompts_share_the_slots(provider: FaultyProvider, make_client: MakeClient) -> None:
    """Prompts are drawn together, each with its own samples."""
    drawn = make_client(provider.url, concurrency=3).generate_many([f"q{n}" for n in range(6)], 2)
    assert [rollouts.prompt for rollouts in drawn] == [f"q{n}" for n in range(6)]
    assert [r.full for r in drawn[4]] == ["answer 0 to: q4", "answer 1 to: q4"]
    assert make_client(provider.url).generate_many([]) == []


def test_message_lists(provider: FaultyProvider, make_client: MakeClient) -> None:
    """A conversation is a prompt too."""
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "why?"}]
    assert make_client(provider.url).generate(messages)[0].full == "answer 0 to: why?"


OVERRIDES: dict[str, Any] = {
    "temperature": 0.1,
    "top_p": 0.5,
    "max_tokens": 3,
    "top_k": 7,
    "min_p": 0.2,
    "top_a": 0.3,
    "presence_penalty": 0.4,
    "frequency_penalty": 0.6,
    "repetition_penalty": 1.2,
    "logit_bias": {"5": 1},
    "stop": ["x"],
    "response_format": {"type": "json_object"},
    "reasoning": {"effort": "low"},
    "include_reasoning": True,
    "model": "other",
    "a_field_of_tomorrow": 4,
}


@pytest.mark.parametrize("name", OVERRIDES)
def test_every_field_is_sent_and_is_in_the_key(endpoint: Any, make_client: MakeClient, name: str) -> None:
    """A parameter of one call reaches the provider, and an answer without it is no answer to it."""
    client = make_client(endpoint.url)
    client.generate("why?")
    client.generate("why?", **{name: OVERRIDES[name]})
    client.generate("why?", **{name: OVERRIDES[name]})
    bodies = [body for _, body, _ in endpoint.requests]
    assert len(bodies) == 2
    assert bodies[1][name] == OVERRIDES[name]
    assert bodies[0].get(name) != OVERRIDES[name]


def test_other_parameters_of_one_call(start_endpoint: Any, make_client: MakeClient, tmp_path: Path) -> None:
    """Key, provider, cache, retries and headers can be given for one call."""
    one, other = start_endpoint(), start_endpoint()
    client = make_client(one.url, api_key="sk-one")
    client.generate("why?")
    client.generate(
        "why?", provider=other.url, api_key="sk-two", cache_dir=tmp_path / "b", headers={"x-mine": "1"}, use_cache="sql"
    )
    assert one.requests[0][2]["authorization"] == "Bearer sk-one"
    assert other.requests[0][2]["authorization"] == "Bearer sk-two"
    assert other.requests[0][2]["x-mine"] == "1"
    assert (tmp_path / "b" / "rollouts.sqlite3").is_file()


def test_another_provider_gets_nothing_of_the_first(start_endpoint: Any, make_client: MakeClient) -> None:
    """Key and headers belong to the provider that they were given for."""
    one, other = start_endpoint(), start_endpoint()
    client = make_client(one.url, api_key="sk-one", headers={"x-secret": "s"})
    client.generate("why?", provider=other.url)
    headers = other.requests[0][2]
    assert "sk-one" not in headers["authorization"]
    assert "x-secret" not in headers


def test_another_way_through_the_same_router_keeps_the_key() -> None:
    """OpenRouter's routing object is no other provider."""
    config = RolloutsClient("m", api_key="sk-mine").config.changed({"provider": {"only": ["deepinfra"]}})
    assert (config.api_key, config.routing, config.provider) == ("sk-mine", {"only": ["deepinfra"]}, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"logit_bias": {"5": float("-inf")}}, "cannot be sent as JSON"),
        ({"tools": {1}}, "cannot be sent as JSON"),
        ({"model": "\ud800"}, "cannot be sent as JSON"),
        ({"concurrency": float("inf")}, "whole number"),
        ({"headers": {"A": 3}}, "headers must be text"),
        ({"cache_dir": None}, "cache_dir must be a folder"),
        ({"provider": "http://u:pw@127.0.0.1/v1"}, "user-info"),
    ],
)
def test_what_cannot_be_sent(endpoint: Any, make_client: MakeClient, options: dict[str, Any], words: str) -> None:
    """It is named before a request is claimed, and without a password."""
    with pytest.raises(InputError, match=words) as raised:
        make_client(endpoint.url).generate("why?", **options)
    assert "pw" not in str(raised.value)
    assert endpoint.requests == []


def test_numbers_have_one_form_in_the_key(provider: FaultyProvider, make_client: MakeClient) -> None:
    """1 and 1.0 are one request; headers that route are a part of it, those that prove who asks are not."""
    client = make_client(provider.url)
    client.generate("why?", temperature=1)
    assert client.generate("why?", temperature=1.0)[0].cached
    client.generate("why?", headers={"x-route": "a", "x-api-key": "1"})
    assert client.generate("why?", headers={"x-route": "a", "x-api-key": "2"})[0].cached
    assert not client.generate("why?", headers={"x-route": "b"})[0].cached


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_samples": 2.5}, "n_samples must be a whole number"),
        ({"seed": "7"}, "seed must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"n": 4}, "n cannot be given"),
        ({"stream": True}, "stream cannot be given"),
    ],
)
def test_values_of_one_call(endpoint: Any, make_client: MakeClient, options: dict[str, Any], words: str) -> None:
    """They are refused before anything is sent, in words."""
    client = make_client(endpoint.url)
    with pytest.raises(InputError, match=words):
        client.generate("why?", **options)
    not_messages: Any = ["x"]
    with pytest.raises(InputError, match="a list of messages"):
        client.generate(not_messages)
    assert endpoint.requests == []


def test_keys_of_several_types(endpoint: Any, make_client: MakeClient) -> None:
    """Token ids of a bias are text in JSON, whatever they were."""
    make_client(endpoint.url).generate("why?", logit_bias={1: 2, "3": 1})
    assert endpoint.requests[0][1]["logit_bias"] == {"1": 2, "3": 1}


def test_three_ways_to_give_the_key(endpoint: Any, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the client is made, for one call, or by an environment variable."""
    monkeypatch.setenv("A_KEY", "sk-environment")
    make_client(endpoint.url, api_key="sk-client").generate("one")
    make_client(endpoint.url, api_key="sk-client").generate("two", api_key="sk-call")
    make_client(endpoint.url, key_variable="A_KEY").generate("three")
    keys = [headers["authorization"] for _, _, headers in endpoint.requests]
    assert keys == ["Bearer sk-client", "Bearer sk-call", "Bearer sk-environment"]


def test_progress_bar_can_be_switched_off(
    provider: FaultyProvider, make_client: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written where standard error is no terminal."""
    make_client(provider.url, progress_bar=True).generate("a", 3)
    make_client(provider.url, progress_bar=False).generate("b", 3)
    assert capsys.readouterr() == ("", "")


def test_nothing_of_the_client_is_sent(endpoint: Any, make_client: MakeClient) -> None:
    """The provider gets fields of its own API alone."""
    make_client(endpoint.url, requests_per_minute=6000, verbose=True, timeout=9).generate("why?", progress_bar=False)
    assert set(endpoint.requests[0][1]) == {
        "model",
        "messages",
        "temperature",
        "top_p",
        "max_tokens",
        "presence_penalty",
        "frequency_penalty",
        "return_token_ids",
        "seed",
    }


@pytest.mark.parametrize(
    ("preset", "temperature"), [("deterministic", 0.0), ("focused", 0.3), ("balanced", 0.7), ("creative", 1.2)]
)
def test_presets(preset: str, temperature: float) -> None:
    """Four words for four temperatures; options take precedence."""
    assert create_client("m", preset=preset).temperature == temperature
    assert create_client("m", preset=preset, temperature=0.5, top_k=3).config.top_k == 3
    assert set(PRESETS) == {"deterministic", "focused", "balanced", "creative"}
    with pytest.raises(InputError, match="no preset 'wild'"):
        create_client("m", preset="wild")


def test_config_makes_the_same_client() -> None:
    """``RolloutsClient(**config.to_dict())``; a key is in no configuration."""
    client = RolloutsClient("m", temperature=0.2, api_key="sk-secret", stop=["x"], top_logprobs=3, new_field=1)
    kept = client.config.to_dict()
    assert "sk-secret" not in repr(client) + repr(client.config) + repr(kept)
    assert RolloutsClient(**kept).config == dataclasses.replace(client.config, api_key=None)
    assert (client.temperature, client.logprobs, client.new_field) == (0.2, 3, 1)
    with pytest.raises(AttributeError):
        _ = client.nothing
    assert Config(model="m").temperature == 0.7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 3}, "temperature must be between 0.0 and 2.0"),
        ({"top_p": 0}, "top_p must be above 0"),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"concurrency": 0}, "concurrency"),
        ({"endpoint": "poem"}, "'chat' or 'completions'"),
        ({"use_cache": "redis"}, "use_cache"),
        ({"logprobs": 2, "top_logprobs": 3}, "not both"),
        ({"provider": {"only": ["a"]}, "routing": {}}, "routing once"),
    ],
)
def test_values_out_of_range(options: dict[str, Any], words: str) -> None:
    """They are refused when the client is made."""
    with pytest.raises(InputError, match=words):
        RolloutsClient("m", **options)


def test_model_without_a_name() -> None:
    """It is refused too."""
    with pytest.raises(InputError, match="model must be a name"):
        RolloutsClient("")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"provider": "nobody"}, "no service is called 'nobody'"),
        ({"provider": "vllm"}, "give its base URL"),
        ({"provider": "tinker"}, "give its tokenizer"),
        ({"provider": "openrouter", "endpoint": "completions", "raw": True}, "no completions endpoint to trust"),
        ({"provider": "openrouter", "chat_template_kwargs": {"a": 1}}, "takes no chat_template_kwargs"),
        ({"provider": "together", "routing": {"only": ["x"]}}, "behind OpenRouter"),
        ({"provider": "fireworks", "logprobs": 9}, "at most 5 logprobs a token, not 9; these do: openrouter"),
        ({"provider": "openrouter", "echo": True}, 'echo needs endpoint="completions"'),
        (
            {"provider": "sglang", "service": "sglang", "echo": True, "endpoint": "completions"},
            "give its base URL",
        ),
    ],
)
def test_what_a_provider_cannot_do(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    """It is an error before anything is paid, that names who can."""
    with pytest.raises(InputError, match=words):
        RolloutsClient("m", cache_dir=tmp_path, **options).generate("why?")


def test_routing_is_openrouters_object(endpoint: Any, make_client: MakeClient) -> None:
    """``provider={...}``, as it was given before, is OpenRouter's routing."""
    client = RolloutsClient("m", provider={"only": ["deepinfra"]})
    assert client.config.routing == {"only": ["deepinfra"]}
    assert client.config.provider is None
    make_client(endpoint.url, service="openrouter", routing={"only": ["a"]}).generate("why?")
    assert endpoint.requests[0][1]["provider"] == {"only": ["a"]}


def test_result_methods() -> None:
    """Every getter of a result, and the older names of the types."""
    made = Rollouts(
        prompt="p",
        num_responses=2,
        temperature=1.0,
        top_p=1.0,
        max_tokens=5,
        model="m",
        responses=[
            Response(full="r</think>c", content="c", reasoning="r", finish_reason="stop"),
            Response(full="d", content="d", finish_reason="length"),
        ],
    )
    assert made.get_texts() == ["r</think>c", "d"]
    assert made.get_contents() == ["c", "d"]
    assert made.get_reasonings() == ["r", ""]
    assert made.get_finish_reasons() == {"stop": 1, "length": 1}
    assert made.get_total_tokens() == 0
    assert made.get_all_generation_logprobs() == [None, None]
    assert [r.full for r in made[0:1]] == ["r</think>c"]
    assert made.to_dict()["responses"][1]["full"] == "d"
    assert repr(made) == "Rollouts(2 of 2 responses, model='m')"
    made.raise_for_errors()
    assert (FwResponse, FwRollouts) == (Response, Rollouts)
    assert all(hasattr(package, name) for name in package.__all__)
