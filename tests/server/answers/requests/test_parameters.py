"""Every sampling parameter reaches the sampler, over HTTP and from both endpoints."""

from __future__ import annotations

from typing import Any

import httpx2
import numpy as np
import pytest

from token_difr.engine.onnx import OnnxEngine
from token_difr.server.generation.sampling import SamplingSettings, TokenSampler
from token_difr.server.model.folder import ModelFolder

TOKENS = 40
CLOSE = {str(token): 60 for token in range(300, 360)}
"""A bias under which many tokens lie close together, so that penalties show."""
BASE = {"temperature": 1.8, "seed": 21, "max_tokens": TOKENS, "ignore_eos": True, "return_token_ids": True}
PARAMETERS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.5},
    {"temperature": 0},
    {"top_k": 3},
    {"top_k": 1},
    {"top_k": -1},
    {"top_p": 0.3},
    {"min_p": 0.3},
    {"seed": 22},
    {"seed": -5},
    {"seed": 2**64 - 1},
    {"temperature": 0, "repetition_penalty": 1.8},
    {"temperature": 0, "repeat_penalty": 1.8, "repeat_last_n": 4},
    {"temperature": 0, "logit_bias": CLOSE},
    {"temperature": 0, "logit_bias": CLOSE, "presence_penalty": 2},
    {"temperature": 0, "logit_bias": CLOSE, "frequency_penalty": 2},
    {"logit_bias": {"7": 100}},
    {"top_p": 0.9, "top_k": 20, "min_p": 0.01, "temperature": 1.3, "presence_penalty": 0.5},
]
NAMES = {"repeat_penalty": "repetition_penalty", "repeat_last_n": "repetition_window"}


def expected(folder: ModelFolder, prompt: list[int], fields: dict[str, Any]) -> list[int]:
    """The tokens that the sampling rule gives on the bare engine, one pass over everything a token."""
    values = {NAMES.get(name, name): value for name, value in {"temperature": 1.8, "seed": 21, **fields}.items()}
    values["top_k"] = max(values.get("top_k", 0), 0)
    values["logit_bias"] = {int(token): bias for token, bias in values.get("logit_bias", {}).items()}
    engine, sampler = OnnxEngine(folder.path), TokenSampler(SamplingSettings(**values), 2048)
    output: list[int] = []
    for _ in range(TOKENS):
        ids = np.array([prompt + output])
        positions = np.arange(ids.shape[1])[None]
        logits = engine.forward(ids, positions, np.ones_like(ids), engine.empty_cache()).logits[0, -1]
        output.append(sampler.choose(logits, prompt, output))
    return output


@pytest.mark.parametrize("fields", PARAMETERS, ids=lambda fields: "-".join(fields) or "none")
def test_parameter_is_threaded(http: httpx2.Client, folder: ModelFolder, fields: dict[str, Any]) -> None:
    """Both endpoints give the tokens of the rule with exactly these parameters and defaults for the rest."""
    messages = [{"role": "user", "content": "Explain list.sort."}]
    chat = http.post("/v1/chat/completions", json={"messages": messages, **BASE, **fields}).json()
    prompt = chat["prompt_token_ids"]
    plain = http.post("/v1/completions", json={"prompt": prompt, **BASE, **fields}).json()

    assert plain["choices"][0]["token_ids"] == expected(folder, prompt, fields)
    assert chat["choices"][0]["token_ids"] == plain["choices"][0]["token_ids"]


def test_parameters_differ_from_one_another(http: httpx2.Client) -> None:
    """No two of these parameters are the same in effect, but top_k = -1 (the default) and top_k = 1 (greedy)."""
    outputs: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for fields in PARAMETERS:
        answer = http.post("/v1/completions", json={"prompt": "Explain list.sort.", **BASE, **fields}).json()
        outputs.setdefault(tuple(answer["choices"][0]["token_ids"]), []).append(fields)

    assert sorted(map(len, outputs.values())) == [1] * (len(PARAMETERS) - 4) + [2, 2]


def test_repetition_window_of_minus_one_is_everything(http: httpx2.Client) -> None:
    """The names repeat_penalty and repeat_last_n: -1 = the whole context, 0 = nothing."""
    texts = []
    for fields in ({"repetition_penalty": 1.8}, {"repeat_penalty": 1.8, "repeat_last_n": -1}, {}, {"repeat_last_n": 0}):
        answer = http.post("/v1/completions", json={"prompt": "Explain list.sort.", **BASE, **fields})
        texts.append(answer.json()["choices"][0]["text"])

    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


def test_fields_without_effect_are_accepted(http: httpx2.Client) -> None:
    """Fields that only concern a provider's books change nothing."""
    extra = {"user": "u", "metadata": {"a": "b"}, "store": False, "response_format": {"type": "text"}}
    first, second = (
        http.post("/v1/completions", json={"prompt": "x", **BASE, **fields}).json()["choices"][0]["text"]
        for fields in ({}, extra)
    )

    assert first == second


def test_stop_tokens(http: httpx2.Client) -> None:
    """A stop token ends the output and is its last token; its text is left out."""
    whole = http.post("/v1/completions", json={"prompt": "x", **BASE}).json()["choices"][0]
    stop = whole["token_ids"][6]
    choice = http.post("/v1/completions", json={"prompt": "x", **BASE, "stop_token_ids": [stop]}).json()["choices"][0]

    assert choice["token_ids"] == whole["token_ids"][: whole["token_ids"].index(stop) + 1]
    assert choice["finish_reason"] == "stop"
    assert whole["text"].startswith(choice["text"])
