"""Kind 12: parts of one package that did not fit each other.

Elsewhere, as it takes longer: the training side of the stand-in for Tinker, ``tests/tinker/test_training.py``.
"""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr import construct_prompts
from token_difr.rollouts import Config, RolloutsClient
from token_difr.rollouts.answer import Expected, response_of
from token_difr.rollouts.destination import destination_of
from token_difr.rollouts.fireworks import tokenizer_name
from token_difr.rollouts.thinking import check_injection
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

TOOLS = [{"type": "function", "function": {"name": "time", "description": "Tells the time."}}]


def test_the_default_length_on_the_demo(http: httpx2.Client, tmp_path: Path) -> None:
    """Rollouts with nothing chosen work on the demo's short context."""
    with RolloutsClient("demo", provider=str(http.base_url), cache_dir=tmp_path, progress_bar=False) as client:
        assert client.generate("What is a list?")[0].finish_reason in {"stop", "length"}


@pytest.mark.parametrize("service", ["openrouter", "fireworks"])
def test_base_urls_of_the_environment(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read."""
    monkeypatch.setenv(f"{service.upper()}_BASE_URL", "http://127.0.0.1:9/v1")
    assert destination_of(Config(model="m", provider=service)).url == "http://127.0.0.1:9/v1"


def test_tokenizers_of_aliases() -> None:
    """The client of Fireworks knows those of its own short names."""
    assert tokenizer_name("qwen-15b") == "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"


def test_the_whole_of_a_thought_and_its_answer() -> None:
    """With the line breaks that were promised."""
    message = {"content": "yes", "reasoning": "hm"}
    response = response_of({"choices": [{"message": message, "finish_reason": "stop"}]}, Expected(), seed=0)
    assert response.full == "hm\n</think>\nyes"


def test_thoughts_can_be_begun_for_qwen_2_5() -> None:
    """As for all of its family."""
    assert check_injection("qwen/qwen-2.5-7b-instruct", None)


def test_tools_on_the_demo(http: httpx2.Client) -> None:
    """Its template shows them, and results of calls."""
    call = {"id": "c", "type": "function", "function": {"name": "time", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "noon"},
    ]
    body = {"messages": messages, "tools": TOOLS, "max_tokens": 1}
    assert http.post("/v1/chat/completions", json=body).status_code == 200


def test_an_added_beginning_is_an_option_of_each_model() -> None:
    """Both kinds on one server."""
    service = ModelService(ServerSettings(model=DEMO, name="a"))
    other = ModelService(ServerSettings(model=DEMO, name="b", echo_bos=True), service.loaded)
    with running(service, other) as url:
        body = {"prompt": "The list", "max_tokens": 1, "echo": True, "logprobs": 0}
        rows = [
            len(
                httpx2.post(f"{url}/v1/completions", json={**body, "model": name}, timeout=PATIENCE_SECONDS).json()[
                    "choices"
                ][0]["logprobs"]["tokens"]
            )
            for name in "ab"
        ]
    assert rows[1] == rows[0] + 1


class Plain:
    """A tokenizer with as little as scripts bring, of a token a character."""

    chat_template = "x"

    @staticmethod
    def apply_chat_template(messages: list[dict[str, str]], **_: object) -> str:
        """The contents."""
        return "".join(message["content"] for message in messages)

    @staticmethod
    def encode(text: str, **_: object) -> list[int]:
        """Code points."""
        return list(map(ord, text))


def test_two_thousand_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the specification asks for, without a network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    prompts = construct_prompts(2000, 512, tokenizer=Plain())
    assert len({str(prompt) for prompt in prompts}) == 2000


def test_a_tokenizer_from_afar(http: httpx2.Client) -> None:
    """``/tokenizer_info`` is there for lm-eval."""
    assert http.get("/tokenizer_info").json()["eos_token"] == "<|im_end|>"


def test_the_level_of_a_trace(http: httpx2.Client) -> None:
    """The header acts."""
    asked = {"json": {"prompt": "x", "max_tokens": 1}, "headers": {"x-trace-level": "step"}}
    assert "trace" in http.post("/v1/completions", **asked).json()  # type: ignore[arg-type]
