"""``audit_provider`` over loopback HTTP, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from token_difr import (
    audit_provider,
    construct_prompts,
    load_tokenizer,
    register_fireworks_model,
    register_openrouter_model,
)
from token_difr.compat.awaited_client import awaited
from token_difr.demo_model import MODEL_FOLDER
from token_difr.reference import VllmReference

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
FOLDER = str(MODEL_FOLDER)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both keys are set."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "or-key")
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw-key")


@pytest.fixture(scope="module")
def demo_url(serving: Any) -> Iterator[str]:
    """A server on the demo model, which is registered under the name that it has there."""
    register_fireworks_model(FOLDER, "demo-model")
    register_openrouter_model(FOLDER, "demo-model")
    with serving("demo-model") as url:
        yield url


@pytest.fixture
def prompts() -> list[Any]:
    """Four short prompts."""
    return construct_prompts(4, model_name="demo", max_ctx_len=40)


@pytest.mark.parametrize("variable", ["OPENROUTER_API_KEY", "FIREWORKS_API_KEY"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_keys(monkeypatch: pytest.MonkeyPatch, conversations: Any, variable: str, value: str | None) -> None:
    """The old ValueErrors, word for word."""
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"^{variable} environment variable not set$"):
        audit_provider(conversations, LLAMA)


def test_model_that_is_not_registered(conversations: Any) -> None:
    """A ValueError that names register_fireworks_model and near matches."""
    with pytest.raises(
        ValueError, match=r"Model meta-llama/Llama-3\.1-9B-Instruct not in FIREWORKS_MODEL_REGISTRY"
    ) as e:
        audit_provider(conversations, "meta-llama/Llama-3.1-9B-Instruct")
    assert "near it: meta-llama/Llama-3.1-8B-Instruct" in str(e.value)
    assert "register_fireworks_model()" in str(e.value)


def test_audit_with_base_urls_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, demo_url: str, prompts: list[Any]
) -> None:
    """The demo model against itself agrees with itself; nothing of the environment is changed."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", demo_url)
    monkeypatch.setenv("FIREWORKS_BASE_URL", demo_url)
    before = dict(os.environ)
    result = audit_provider(prompts, model=FOLDER, provider="together", max_tokens=40)
    assert result.n_sequences == 4
    assert result.total_tokens > 4
    assert result.exact_match_rate >= 0.98
    assert dict(os.environ) == before


async def test_audit_inside_a_running_loop(demo_url: str, prompts: list[Any]) -> None:
    """It is synchronous, takes base URLs as arguments, and works where an event loop is running."""
    result = audit_provider(
        prompts[:1], FOLDER, max_tokens=8, openrouter_base_url=demo_url, fireworks_base_url=demo_url
    )
    assert result.n_sequences == 1


def test_audit_with_another_reference(monkeypatch: pytest.MonkeyPatch, demo_url: str, prompts: list[Any]) -> None:
    """Given a reference and a tokenizer, neither Fireworks' key nor its name of the model is needed."""
    monkeypatch.delenv("FIREWORKS_API_KEY")
    register_openrouter_model("somebody/else", "demo-model")
    with openai.OpenAI(base_url=demo_url, api_key="x") as client:
        result = audit_provider(
            prompts,
            "somebody/else",
            max_tokens=20,
            openrouter_base_url=demo_url,
            reference=VllmReference(awaited(client), "demo-model", topk_logprobs=5),
            tokenizer=load_tokenizer("demo"),
        )
    assert result.exact_match_rate >= 0.98


def test_temperature_warns(demo_url: str, prompts: list[Any]) -> None:
    """Without a sampler, sampled tokens are scored against the arg-max, which is said."""
    with pytest.warns(UserWarning, match="give sampler="):
        audit_provider(
            prompts[:1],
            FOLDER,
            temperature=1.0,
            max_tokens=4,
            openrouter_base_url=demo_url,
            fireworks_base_url=demo_url,
        )
