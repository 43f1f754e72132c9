"""Keys of the cache, as literals: what was paid for must be found by every later release.

A key that changes here makes every user pay anew for what they have. These are never brought up to date.
"""

from __future__ import annotations

from typing import Any

import pytest

from token_difr.rollouts.config import Config
from token_difr.rollouts.requests import prompt_requests

Case = tuple[dict[str, Any], Any, int, str]
"""Configuration, prompt, number of the sample, and its key as hexadecimal digits."""

CONVERSATION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is \u20ac 1 \U0001f600?"}]
BEGUN = [{"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "It is "}]

CASES: dict[str, Case] = {
    "the defaults, OpenRouter's chat": (
        {},
        "What is 17 * 23?",
        0,
        "369c5e9c089c7bdea1a28e303fb69a04d9f1e0471052243dafcaf120a5dfe881",
    ),
    "every sampling field, routed, in the body too": (
        {
            "provider": {"only": ["deepinfra"], "allow_fallbacks": False},
            "temperature": 1,
            "top_p": 0.5,
            "max_tokens": 77,
            "top_k": 5,
            "min_p": 0.1,
            "top_a": 0.25,
            "presence_penalty": 0.5,
            "frequency_penalty": -0.5,
            "repetition_penalty": 1.1,
            "logit_bias": {12: 3.5, 7: -1},
            "stop": ("END", "\n\n"),
            "response_format": {"type": "json_object"},
            "reasoning": {"effort": "low"},
            "include_reasoning": True,
            "seed": 40,
            "verbosity": "high",
            "extra_body": {"transforms": []},
        },
        CONVERSATION,
        2,
        "36dc06d9d395014d8f78747af03e886d6b501628da100202a3f6f4b0d737b53e",
    ),
    "headers that route, and secrets that do not": (
        {
            "provider": "https://gateway.example.com/v1",
            "headers": {"X-Route": "blue", "Authorization": "Bearer sesame", "x-api-key": "sesame"},
            "api_key": "sesame",
            "logprobs": 3,
        },
        "hello",
        1,
        "33b06dc8d405358888ae4f95ef05fc999732327a6b48eebe9ba3f53fd8db56e3",
    ),
    "Together's chat, logprobs as a number, template variables": (
        {"provider": "together", "logprobs": 0, "chat_template_kwargs": {"enable_thinking": False}},
        CONVERSATION,
        0,
        "430da66bd0f95be39ea1bad9bf54a9633b41a8a81590e5a3f88cdd16be18d836",
    ),
    "vLLM on this machine, a begun answer": (
        {"provider": "http://127.0.0.1:8000", "logprobs": 2, "top_k": 0, "seed": 2**40},
        BEGUN,
        3,
        "6085a86b51f785ef901f2315afba8ef9929404f48aa5cedcf1290eb83926242d",
    ),
    "SGLang by name, a begun thought": (
        {"provider": "http://10.0.0.7:30000/v1/", "service": "sglang", "model": "Qwen/Qwen3-8B"},
        "2+2? <think>Easy:",
        0,
        "70d034b117a82145b47b7dc5d91a17366516fc65e0220f82bca29c432a45f83a",
    ),
    "Fireworks' completions as token ids, with echo": (
        {
            "provider": "fireworks",
            "model": "accounts/fireworks/models/gpt-oss-20b",
            "endpoint": "completions",
            "tokenizer": "demo",
            "logprobs": 5,
            "echo": True,
            "chat_template_kwargs": {"enable_thinking": True},
        },
        CONVERSATION,
        0,
        "5d0d8fd52d120804b4749c8715d198d9f896ebf021cde9e4f101deb3b1c46864",
    ),
    "Together's completions, a raw prompt": (
        {"provider": "together", "endpoint": "completions", "raw": True, "logprobs": 0},
        "Once upon a <think>time",
        0,
        "d58eccce0391b2a4a581f5214700f221954a158d1e557f12300135cf57fea6d2",
    ),
    "Fireworks' completions, the tokens' own logprobs alone": (
        {"provider": "fireworks", "endpoint": "completions", "tokenizer": "demo", "logprobs": 0},
        "hello",
        0,
        "2cc1e4d590ee8ea6dc8359b4765388d10f2b4d61ff9ec8bf3e8f49175a86cd13",
    ),
    "vLLM's completions, the tokens' own logprobs alone, a begun thought": (
        {
            "provider": "http://127.0.0.1:8000/v1",
            "endpoint": "completions",
            "tokenizer": "demo",
            "logprobs": 0,
            "think_tag": True,
        },
        "hello <think>",
        0,
        "7a0f5e40dbb6f0dadb881931489c22ed706ba227fd7519d953a2af06dccb1025",
    ),
    "Tinker's SDK": (
        {"provider": "tinker", "tokenizer": "demo", "logprobs": 0, "stop": "END", "temperature": 0.0},
        "What is a list?",
        5,
        "0e8f274489aba20130ddc60019e041c38bd29ca2b01a0109d097f1b8dc3ac913",
    ),
    "llama.cpp's completions as token ids, a begun answer": (
        {
            "provider": "http://localhost:8080/v1",
            "service": "llama.cpp",
            "endpoint": "completions",
            "tokenizer": "demo",
            "logprobs": 1,
        },
        BEGUN,
        0,
        "2b04fd7dd187411a90e06b1c82d2d63f7ca0009b024a54bc7890587a29e6cf07",
    ),
    "OpenAI's chat, whose fields are few": (
        {"provider": "openai", "model": "gpt-x", "logprobs": 20, "stop": "."},
        "hello",
        0,
        "47db68eba58a30cfa2f47bddaae63abd6b89c45414aa70b3486f471debacd641",
    ),
    "Tinker's route over HTTP, which takes no penalties": (
        {"provider": "https://tinker.thinkingmachines.dev/services/tinker-prod/oai/api/v1", "presence_penalty": 0.0},
        "hello",
        0,
        "024178940f7334978b5ee9a8d8b80a6d616679ec4f40af9ba16e02e735882c41",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_keys_stay(name: str) -> None:
    """The same request has the same key for ever."""
    given, prompt, sample, key = CASES[name]
    options = {"model": "m", **given}
    config = Config.of(options.pop("model"), options)
    assert prompt_requests(config, prompt, 6).key(sample).hex() == key
