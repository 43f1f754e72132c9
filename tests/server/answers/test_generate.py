"""``/generate``, SGLang's native form."""

from __future__ import annotations

import json

import httpx2
import pytest

from token_difr.server.model.folder import ModelFolder


def test_generate_in_sglangs_form(http: httpx2.Client, folder: ModelFolder) -> None:
    """Triples of logprob, id and text; null first; only from the asked position on; equal to prompt_logprobs."""
    ids = folder.tokenizer.encode("The list method append", add_special_tokens=True)
    body = {
        "input_ids": ids,
        "sampling_params": {"max_new_tokens": 3, "temperature": 0},
        "return_logprob": True,
        "logprob_start_len": 0,
        "top_logprobs_num": 2,
    }
    answer = http.post("/generate", json=body).json()
    meta = answer["meta_info"]
    rows = http.post("/v1/completions", json={"prompt": ids, "max_tokens": 0, "prompt_logprobs": 2}).json()["choices"][
        0
    ]

    assert meta["input_token_logprobs"][0] == [None, ids[0], None]
    assert meta["input_top_logprobs"][0] is None
    for (logprob, token, text), row in zip(meta["input_token_logprobs"][1:], rows["prompt_logprobs"][1:], strict=True):
        assert text is None
        assert logprob == pytest.approx(row[str(token)]["logprob"], abs=1e-4)
    assert [len(row) for row in meta["input_top_logprobs"][1:]] == [2] * (len(ids) - 1)
    assert [entry[1] for entry in meta["output_token_logprobs"]] == answer["output_ids"]
    assert meta["finish_reason"] == {"type": "length", "length": 3}
    later = http.post("/generate", json={**body, "logprob_start_len": 2, "return_text_in_logprobs": True}).json()
    assert [entry[1] for entry in later["meta_info"]["input_token_logprobs"]] == ids[2:]
    assert isinstance(later["meta_info"]["input_token_logprobs"][1][2], str)
    chosen = http.post("/generate", json={**body, "token_ids_logprob": ids[1:2] * 2 + [7]}).json()["meta_info"]
    assert chosen["input_token_ids_logprobs"][0] is None
    assert chosen["input_token_ids_logprobs"][1][0] == meta["input_token_logprobs"][1]
    assert [len(row) for row in chosen["output_token_ids_logprobs"]] == [3] * 3
    assert http.post("/generate", json={**body, "token_ids_logprob": [2048]}).status_code == 400
    none = http.post("/generate", json={**body, "logprob_start_len": -1}).json()
    assert "input_token_logprobs" not in none["meta_info"]


def test_generate_takes_lists_and_streams(http: httpx2.Client) -> None:
    """A list gives a list; a stream's last event is the whole answer."""
    parameters = {"max_new_tokens": 12, "temperature": 0}
    first, second = http.post("/generate", json={"text": ["abc", "def"], "sampling_params": parameters}).json()
    with http.stream(
        "POST", "/generate", json={"text": "abc", "sampling_params": parameters, "stream": True}
    ) as stream:
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: {")]

    assert events[-1]["text"] == first["text"] != second["text"]
    assert events[-1]["output_ids"] == first["output_ids"]
    assert all(first["text"].startswith(event["text"]) for event in events)


def test_too_many_chosen_ids(http: httpx2.Client) -> None:
    """Logprobs of chosen ids have the limit that likeliest ones have."""
    refused = http.post("/generate", json={"input_ids": [5, 6], "return_logprob": True, "token_ids_logprob": [5] * 21})
    assert refused.status_code == 400
    assert "at most 20" in refused.json()["error"]["message"]
