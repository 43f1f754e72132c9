"""Logprobs in each provider's form, and where prompt and answer part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from token_difr.errors import AnswerError
from token_difr.rollouts import FireworksClient, Response, RolloutsClient
from token_difr.rollouts.answer import response_of
from token_difr.rollouts.fireworks import fireworks_model
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

MakeClient = Callable[..., RolloutsClient]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Base URL of the demo model."""
    with running(ModelService(ServerSettings(model=DEMO))) as url:
        yield url


def read(choice: dict[str, Any], *, usage: dict[str, int] | None = None, **options: Any) -> Response:
    body = {"choices": [{"text": "ab", **choice}], "usage": usage or {}}
    return response_of({**body, **options.pop("body", {})}, seed=0, wants_logprobs=True, **options)


def test_chat_form() -> None:
    """One object a token, with ids and ties where they come."""
    top = [
        {"token": "a", "logprob": -1.0},
        {"token": "a", "logprob": -1.0, "token_id": 9},
        {"token": "b", "logprob": -2},
    ]
    content = [{"token": "a", "logprob": -1.0, "top_logprobs": top}]
    logprobs = read({"logprobs": {"content": content}}).logprobs
    assert logprobs is not None
    assert (logprobs.tokens, logprobs.token_logprobs) == (["a"], [-1.0])
    assert logprobs.candidates == [[(None, "a", -1.0), (9, "a", -1.0), (None, "b", -2.0)]]
    assert logprobs.top_logprobs == [{"a": -1.0, "b": -2.0}]
    assert logprobs.num_prompt_tokens == 0


LISTS = {
    "tokens": ["<s>", "p", "a", "b"],
    "token_logprobs": [None, -3.0, -1.0, -0.5],
    "top_logprobs": [None, {"p": -3.0}, {"a": -1.0, "c": -1.0}, {"b": -0.5}],
    "text_offset": [0, 3, 4, 5],
}


@pytest.mark.parametrize(
    ("usage", "prompt_text"),
    [({"prompt_tokens": 2, "completion_tokens": 2}, ""), ({"prompt_tokens": 1, "completion_tokens": 2}, "<s>p")],
)
def test_list_form_with_echo(usage: dict[str, int], prompt_text: str) -> None:
    """The prompt's tokens are told apart by count, or by the text's length where a token was added in front."""
    response = read({"text": "<s>pab", "logprobs": LISTS}, usage=usage, echo=True, prompt_text=prompt_text)
    prompt, answer = response.get_prompt_logprobs(), response.get_generation_logprobs()
    assert prompt is not None
    assert answer is not None
    assert (prompt.tokens, prompt.token_logprobs) == (["<s>", "p"], [None, -3.0])
    assert (answer.tokens, answer.top_logprobs) == (["a", "b"], [{"a": -1.0, "c": -1.0}, {"b": -0.5}])
    assert response.logprobs is not None
    assert len(prompt) + len(answer) == len(response.logprobs)
    assert response.logprobs.prompt_length == 4
    if prompt_text:
        assert response.full == "ab"
        assert response.full_text == "<s>pab"


def test_together_writes_the_prompt_beside() -> None:
    """``prompt[0].logprobs`` and the choice's are one."""
    beside = {"prompt": [{"logprobs": {"tokens": ["p"], "token_logprobs": [None], "token_ids": [5]}}]}
    choice = {"logprobs": {"tokens": ["a"], "token_logprobs": [-1.0], "token_ids": [6]}}
    response = read(choice, echo=True, body=beside)
    assert response.logprobs is not None
    assert (response.logprobs.tokens, response.logprobs.token_ids) == (["p", "a"], [5, 6])
    assert response.logprobs.num_prompt_tokens == 1


def test_without_echo() -> None:
    """There are no logprobs of the prompt then; without logprobs there are none at all."""
    response = read({"logprobs": LISTS})
    assert response.get_prompt_logprobs() is None
    plain = response_of({"choices": [{"text": "a"}]}, seed=0)
    assert plain.get_generation_logprobs() is None


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"tokens": ["a"], "token_logprobs": []},
        {"content": [{"logprob": -1}]},
        {"content": [None]},
        {"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": ["x"]},
    ],
)
def test_logprobs_that_are_none(given: Any) -> None:
    """A provider that drops them silently is an error with a name."""
    with pytest.raises(AnswerError, match="logprobs"):
        read({"logprobs": given})


def test_an_answer_without_its_logprobs_is_not_kept(endpoint: Any, make_client: MakeClient) -> None:
    """It is asked for again the next time."""
    client = make_client(endpoint.url, logprobs=1)
    with pytest.raises(AnswerError, match="gave none"):
        client.generate("why?")
    content = [{"token": "W", "logprob": -0.5}]

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        _, made = endpoint.honest(path, body)
        made["choices"][0]["logprobs"] = {"content": content}
        return 200, made

    endpoint.answer = answer
    response = client.generate("why?")[0]
    assert not response.cached
    assert response.logprobs is not None
    assert client.generate("why?")[0].logprobs == response.logprobs


@pytest.mark.parametrize("service", ["vllm", "fireworks", "together"])
def test_echo_over_http(demo: str, make_client: MakeClient, service: str) -> None:
    """Prompt and answer part at the rendered prompt's last token, chat template and all."""
    client = make_client(demo, "demo", service=service, endpoint="completions", tokenizer="demo", max_tokens=6)
    response = client.generate("What is a list?", logprobs=2, echo=True, temperature=0.0, top_p=1.0)[0]
    prompt, answer = response.get_prompt_logprobs(), response.get_generation_logprobs()
    assert prompt is not None
    assert answer is not None
    assert "".join(prompt.tokens).startswith("<|im_start|>user\nWhat is a list?")
    assert len(prompt) == response.usage.prompt_tokens
    assert len(answer) == response.usage.completion_tokens == 6
    assert "".join(answer.tokens) == response.full
    assert all(value is not None for value in answer.token_logprobs)


def test_chat_logprobs_over_http(demo: str, make_client: MakeClient) -> None:
    """A chat endpoint gives logprobs of the answer, and its ids."""
    response = make_client(demo, "demo", max_tokens=5).generate("What is a list?", logprobs=3)[0]
    assert response.logprobs is not None
    assert [len(row) for row in response.logprobs.top_logprobs] == [3] * 5
    assert response.token_ids is not None
    assert len(response.token_ids) == 5


def test_fireworks_client(tmp_path: Any) -> None:
    """The completions endpoint, logprobs always, conversations rendered, and short names of models."""
    name = "accounts/fireworks/models/gpt-oss-20b"
    client = FireworksClient(
        "llama-v3p1-8b", cache_dir=tmp_path, tokenizer="demo", echo=True, api_key="x", max_tokens=4
    )
    assert client.config.model == "accounts/fireworks/models/llama-v3p1-8b-instruct"
    assert (client.provider, client.endpoint, client.logprobs, client.echo) == ("fireworks", "completions", 5, True)
    messages = [{"role": "user", "content": "What is a list?"}]
    with running(ModelService(ServerSettings(model=DEMO, name=name))) as url:
        here = {"provider": url, "service": "fireworks", "model": "gpt-oss-20b", "progress_bar": False}
        drawn = client.generate(messages, 2, **here)
    assert len(drawn.get_all_prompt_logprobs()) == 2
    assert all(len(each or ()) == 4 for each in drawn.get_all_generation_logprobs())
    assert drawn[0].full_text.startswith("<|im_start|>user")
    client.close()


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("gpt-oss-20b", "accounts/fireworks/models/gpt-oss-20b"),
        ("org/Model-1", "accounts/fireworks/models/Model-1"),
        ("accounts/me/models/mine", "accounts/me/models/mine"),
    ],
)
def test_names_at_fireworks(name: str, full: str) -> None:
    """Aliases, ``org/name`` and full names."""
    assert fireworks_model(name) == full
