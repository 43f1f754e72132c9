"""``/v1/completions`` over HTTP."""

from __future__ import annotations

from typing import Any

import httpx2
import numpy as np
import pytest
from openai import OpenAI

from token_difr.engine.onnx import OnnxEngine
from token_difr.server.generation.logprob_rows import logprob_rows
from token_difr.server.model.folder import ModelFolder

PROMPT = "The list method append"


def complete(http: httpx2.Client, **fields: Any) -> dict[str, Any]:
    """The answer's JSON to a completion request that must succeed."""
    answer = http.post("/v1/completions", json={"model": "demo", "prompt": PROMPT, "temperature": 0, **fields})
    assert answer.status_code == 200, answer.text
    parsed: dict[str, Any] = answer.json()
    return parsed


def test_sdk_parses_the_answer(client: OpenAI) -> None:
    """The openai SDK's typed model holds text, finish reason and usage."""
    answer = client.completions.create(model="demo", prompt=PROMPT, max_tokens=8, temperature=0)

    assert answer.object == "text_completion"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 8


def test_text_and_token_ids_are_the_same_prompt(http: httpx2.Client, folder: ModelFolder) -> None:
    """A prompt as ids gives the answer of the prompt as text; lists give one choice each, in order."""
    ids = folder.tokenizer.encode(PROMPT, add_special_tokens=True)
    text = complete(http, max_tokens=6)["choices"][0]["text"]

    assert complete(http, prompt=ids, max_tokens=6)["choices"][0]["text"] == text
    for several in ([PROMPT, "x"], [ids, ids[:2]]):
        choices = complete(http, prompt=several, max_tokens=6)["choices"]

        assert [choice["index"] for choice in choices] == [0, 1]
        assert choices[0]["text"] == text


def test_default_is_sixteen_tokens(http: httpx2.Client) -> None:
    """Without max_tokens there are 16 (or fewer where the model ends)."""
    assert complete(http, ignore_eos=True)["usage"]["completion_tokens"] == 16


def test_prompt_logprobs_are_the_models_own(http: httpx2.Client, folder: ModelFolder) -> None:
    """The form of vLLM: null, then the claimed token and the top k with logprob and rank, equal to the bare model's."""
    ids = folder.tokenizer.encode(PROMPT, add_special_tokens=True)
    choice = complete(http, prompt=ids, max_tokens=0, prompt_logprobs=3, return_token_ids=True)["choices"][0]
    engine = OnnxEngine(folder.path)
    array = np.array([ids])
    logits = engine.forward(array, np.arange(len(ids))[None], np.ones_like(array), engine.empty_cache()).logits[0]
    rows = logprob_rows(logits[:-1], array[0, 1:], 3)

    assert choice["prompt_token_ids"] == ids
    assert choice["token_ids"] == []
    assert choice["text"] == ""
    assert choice["prompt_logprobs"][0] is None
    for position, entry in enumerate(choice["prompt_logprobs"][1:]):
        claimed = entry[str(ids[position + 1])]

        assert claimed["logprob"] == pytest.approx(rows.logprobs[position], abs=1e-4)
        assert claimed["rank"] == rows.ranks[position]
        assert next(iter(entry)) == str(ids[position + 1])
        assert len(entry) in (3, 4)
        assert {int(token) for token in entry} == {ids[position + 1], *rows.top_ids[position].tolist()}


def test_prompt_logprobs_zero_and_one_token(http: httpx2.Client) -> None:
    """With k = 0 there is the claimed token only; a prompt of one token has one null row."""
    choice = complete(http, max_tokens=0, prompt_logprobs=0)["choices"][0]

    assert all(len(entry) == 1 for entry in choice["prompt_logprobs"][1:])
    assert complete(http, prompt=[5], max_tokens=0, prompt_logprobs=2)["choices"][0]["prompt_logprobs"] == [None]


def test_legacy_logprobs(http: httpx2.Client) -> None:
    """Parallel lists of one length; the likeliest greedy token is the chosen one; k or k + 1 entries a row."""
    choice = complete(http, max_tokens=5, logprobs=2)["choices"][0]
    logprobs = choice["logprobs"]

    assert {len(column) for column in logprobs.values()} == {5}
    assert "".join(logprobs["tokens"]) == choice["text"]
    for token, value, top in zip(logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True):
        assert top[token] == value == max(top.values())
        assert 1 <= len(top) <= 2


def test_echo_scores_prompt_and_output(http: httpx2.Client, folder: ModelFolder) -> None:
    """With echo the prompt stands the prompt before the text, and its logprobs (null first) before the output's."""
    ids = folder.tokenizer.encode(PROMPT, add_special_tokens=True)
    choice = complete(http, max_tokens=2, echo=True, logprobs=1, return_tokens_as_token_ids=True)["choices"][0]
    logprobs = choice["logprobs"]

    assert choice["text"].startswith(PROMPT)
    assert logprobs["tokens"][: len(ids)] == [f"token_id:{token}" for token in ids]
    assert len(logprobs["tokens"]) == len(ids) + 2
    assert logprobs["token_logprobs"][0] is None
    assert logprobs["top_logprobs"][0] is None
    assert all(isinstance(value, float) for value in logprobs["token_logprobs"][1:])


def test_output_scored_as_prompt_gives_the_same_logprobs(http: httpx2.Client) -> None:
    """A sequence that was generated and then scored has equal logprobs up to the noise of the cache."""
    first = complete(http, max_tokens=20, logprobs=0, return_token_ids=True)["choices"][0]
    ids = first["prompt_token_ids"] + first["token_ids"]
    scored = complete(http, prompt=ids, max_tokens=0, prompt_logprobs=0)["choices"][0]["prompt_logprobs"]
    again = [scored[len(first["prompt_token_ids"]) + at][str(token)] for at, token in enumerate(first["token_ids"])]

    assert [entry["logprob"] for entry in again] == pytest.approx(first["logprobs"]["token_logprobs"], abs=1e-3)
    assert {entry["rank"] for entry in again} == {1}


def test_stop_is_cut_off_and_wins_over_length(http: httpx2.Client) -> None:
    """The text ends before the stop string; the reason is stop even where the token is the last allowed one."""
    whole = complete(http, max_tokens=12, return_token_ids=True)["choices"][0]
    stop = whole["text"][5:8]
    choice = complete(http, max_tokens=12, stop=[stop, ""])["choices"][0]

    assert choice["text"] == whole["text"][: whole["text"].index(stop)]
    assert choice["finish_reason"] == "stop"
    assert choice["stop_reason"] == stop


def test_seed_repeats_and_is_told(http: httpx2.Client) -> None:
    """One seed gives one answer; without a seed a fresh one is told, and sending it repeats the answer."""
    sampled = {"temperature": 1.0, "max_tokens": 24, "ignore_eos": True}
    first, second, other = (complete(http, **sampled, seed=seed)["choices"][0] for seed in (7, 7, 8))

    assert first["text"] == second["text"] != other["text"]
    fresh = complete(http, **sampled)["choices"][0]
    assert complete(http, **sampled, seed=fresh["seed"])["choices"][0]["text"] == fresh["text"]


def test_choices_have_seeds_of_their_own(http: httpx2.Client) -> None:
    """Choices of one prompt: seed, seed + 1, ...; each repeats alone."""
    choices = complete(http, n=3, temperature=1.0, seed=11, max_tokens=16)["choices"]

    assert [choice["seed"] for choice in choices] == [11, 12, 13]
    alone = complete(http, temperature=1.0, seed=12, max_tokens=16)["choices"][0]
    assert alone["text"] == choices[1]["text"]


def test_context_may_be_filled_to_the_last_token(http: httpx2.Client) -> None:
    """A prompt as long as the context can be scored; one token more, or any output, is refused."""
    full = [5] * 1024

    assert complete(http, prompt=full, max_tokens=0)["usage"]["total_tokens"] == 1024
    for fields in ({"prompt": [5] * 1025, "max_tokens": 0}, {"prompt": full, "max_tokens": 1}, {"prompt": full}):
        answer = http.post("/v1/completions", json=fields)

        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "context_length_exceeded"
