"""Whom a client asks: services by their names, wherever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError
from token_difr.rollouts import Config, FireworksClient, RolloutsClient
from token_difr.rollouts.destination import destination_of
from token_difr.rollouts.fireworks import tokenizer_name


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        (None, "OPENROUTER_BASE_URL"),
        ("openrouter", "OPENROUTER_BASE_URL"),
        ("fireworks", "FIREWORKS_BASE_URL"),
        ("together", "TOGETHER_BASE_URL"),
        ("openai", "OPENAI_BASE_URL"),
        ("vllm", "VLLM_BASE_URL"),
    ],
)
def test_a_variable_moves_a_service(monkeypatch: Any, provider: str | None, variable: str) -> None:
    """To a gateway, or a server on this machine; what is known of the service stays known. An empty one is none."""
    usual = None if provider == "vllm" else destination_of(Config(model="m", provider=provider))
    monkeypatch.setenv(variable, "http://127.0.0.1:9/v1")
    moved = destination_of(Config(model="m", provider=provider))
    assert moved.url == "http://127.0.0.1:9/v1"
    assert moved.profile.name == (provider or "openrouter")
    monkeypatch.setenv(variable, "")
    if usual is None:
        with pytest.raises(InputError, match="give its base URL"):
            destination_of(Config(model="m", provider=provider))
    else:
        assert destination_of(Config(model="m", provider=provider)) == usual


def test_requests_go_there(endpoint: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """With the service's own key and fields."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"{endpoint.url}/v1")
    monkeypatch.setenv("OPENROUTER_API_KEY", "or-key")
    with RolloutsClient("m", cache_dir=tmp_path, progress_bar=False) as client:
        assert client.generate("a")[0].content == "A"
    ((path, _, headers),) = endpoint.requests
    assert (path, headers["authorization"]) == ("/v1/chat/completions", "Bearer or-key")


@pytest.mark.parametrize(
    ("given", "tokenizer"),
    [
        ("qwen-15b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"),
        ("llama-v3p1-8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("gpt-oss-20b", "openai/gpt-oss-20b"),
        ("accounts/fireworks/models/kimi-k2-thinking", "moonshotai/Kimi-K2-Thinking"),
        ("fireworks/kimi-k2-thinking", "moonshotai/Kimi-K2-Thinking"),
        ("zai-org/GLM-4.7", "zai-org/GLM-4.7"),
        ("org/Model-1", "org/Model-1"),
        ("demo", "demo"),
    ],
)
def test_tokenizers_of_models_at_fireworks(given: str, tokenizer: str) -> None:
    """By any name of the model; one that nobody knows may be a name on the hub, or a folder."""
    assert tokenizer_name(given) == tokenizer


def test_a_short_name_is_enough(endpoint: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """The prompt is rendered by the tokenizer of the model's name on the hub; here a folder lies under that name."""
    monkeypatch.chdir(tmp_path)
    Path("deepseek-ai").mkdir()
    Path("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B").symlink_to(MODEL_FOLDER)
    monkeypatch.setenv("FIREWORKS_BASE_URL", f"{endpoint.url}/v1")
    entry = {"token": "b", "token_id": 3, "logprob": -0.5, "top_logprobs": []}
    answer = {"choices": [{"text": "b", "logprobs": {"content": [entry]}, "finish_reason": "stop"}]}
    endpoint.answer = lambda *_: (200, answer)
    with FireworksClient("qwen-15b", api_key="x", progress_bar=False, cache_dir=tmp_path) as client:
        assert client.generate("What is a list?")[0].content == "b"
    ((_, body, _),) = endpoint.requests
    assert body["model"] == "accounts/fireworks/models/deepseek-r1-distill-qwen-1p5b"
    assert len(body["prompt"]) > 5
