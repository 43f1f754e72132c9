"""One set of logprobs in every form."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from patience import PATIENCE_SECONDS
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO, ModelFolder

PROMPT = "The method naïve 🎉 returns"
NEAR = 1e-4


@pytest.fixture(scope="module")
def ids(folder: ModelFolder) -> list[int]:
    return folder.tokenizer.encode(PROMPT, add_special_tokens=True)


def complete(http: httpx2.Client, **fields: Any) -> dict[str, Any]:
    answer = http.post("/v1/completions", json={"prompt": PROMPT, "temperature": 0, "max_tokens": 4, **fields})
    assert answer.status_code == 200, answer.text
    choice: dict[str, Any] = answer.json()["choices"][0]
    return choice


def test_content_form_on_completions(http: httpx2.Client, ids: list[int]) -> None:
    """With logprobs: true every token is an object with its id and bytes; with echo the first row is there, value 0."""
    choice = complete(http, logprobs=True, top_logprobs=3, echo=True, return_token_ids=True)
    content = choice["logprobs"]["content"]

    assert [entry["token_id"] for entry in content] == ids + choice["token_ids"]
    assert bytes(b for entry in content[: len(ids)] for b in entry["bytes"]).decode() == PROMPT
    assert (content[0]["logprob"], content[0]["top_logprobs"]) == (None, [])
    assert [len(entry["top_logprobs"]) for entry in content[1:]] == [3] * (len(content) - 1)
    assert all(entry["sampling_logprob"] is None for entry in content[: len(ids)])
    assert all(entry["sampling_logprob"] == 0 for entry in content[len(ids) :])
    for entry in content:
        assert choice["text"][entry["text_offset"] :].startswith(entry["token"].rstrip("\N{REPLACEMENT CHARACTER}"))


def test_all_forms_tell_the_same(http: httpx2.Client, ids: list[int]) -> None:
    """Legacy lists, content objects, prompt_logprobs and /generate give one number for one token."""
    legacy = complete(http, logprobs=5, echo=True, return_tokens_as_token_ids=True)["logprobs"]
    content = complete(http, logprobs=True, top_logprobs=5, echo=True)["logprobs"]["content"]
    rows = complete(http, prompt_logprobs=5)["prompt_logprobs"]
    for at, token in enumerate(ids[1:], start=1):
        value = rows[at][str(token)]["logprob"]

        assert legacy["token_logprobs"][at] == pytest.approx(value, abs=NEAR)
        assert content[at]["logprob"] == pytest.approx(value, abs=NEAR)
        tops = {f"token_id:{entry['token_id']}": entry["logprob"] for entry in content[at]["top_logprobs"]}
        assert {**tops, f"token_id:{token}": content[at]["logprob"]} == pytest.approx(
            legacy["top_logprobs"][at], abs=NEAR
        )


def test_echo_last(http: httpx2.Client, ids: list[int]) -> None:
    """Only the last tokens are echoed, without a row for a first token; all of them is the same as echo."""
    content = complete(http, logprobs=True, echo_last=2)["logprobs"]["content"]

    assert [entry["token_id"] for entry in content[:2]] == ids[-2:]
    assert len(content) == 6
    assert complete(http, logprobs=True, echo_last=0)["logprobs"]["content"][0]["token_id"] == content[2]["token_id"]
    full = complete(http, logprobs=True, echo_last=len(ids))
    assert full["logprobs"] == complete(http, logprobs=True, echo=True)["logprobs"]
    assert full["text"].startswith(PROMPT)


def test_offsets_of_broken_characters(http: httpx2.Client) -> None:
    """Tokens inside one character share its offset."""
    legacy = complete(http, prompt="a🎉b", max_tokens=0, echo=True, logprobs=0)["logprobs"]

    assert legacy["text_offset"][0] == 0
    assert set(legacy["text_offset"]) == {0, 1, 2}
    assert legacy["text_offset"] == sorted(legacy["text_offset"])


def test_sampling_logprob_is_that_of_the_filtered_distribution(http: httpx2.Client) -> None:
    """At temperature 1 without filters it is the model's own; with top_k = 2 the two candidates share all mass."""
    plain = complete(http, logprobs=True, temperature=1, seed=5)["logprobs"]["content"]
    for entry in plain:
        assert entry["sampling_logprob"] == pytest.approx(entry["logprob"], abs=1e-4)
    for entry in complete(http, logprobs=True, top_logprobs=2, temperature=1, seed=5, top_k=2)["logprobs"]["content"]:
        two = [top["logprob"] for top in entry["top_logprobs"]]

        assert entry["sampling_logprob"] > entry["logprob"]
        assert entry["token_id"] in [top["token_id"] for top in entry["top_logprobs"]]
        assert max(two) <= entry["sampling_logprob"] + 10


def test_chat_form(http: httpx2.Client) -> None:
    """Chat has content objects with bytes and ids; asking for the likeliest without logprobs is refused."""
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, "temperature": 0}
    choice = http.post("/v1/chat/completions", json={**body, "logprobs": True, "top_logprobs": 2}).json()["choices"][0]

    assert len(choice["logprobs"]["content"]) == 3
    for entry in choice["logprobs"]["content"]:
        assert entry["top_logprobs"][0] == {name: entry[name] for name in ("token", "logprob", "bytes", "token_id")}
        assert len(entry["top_logprobs"]) == 2
    assert http.post("/v1/chat/completions", json=body).json()["choices"][0]["logprobs"] is None
    assert http.post("/v1/chat/completions", json={**body, "top_logprobs": 2}).status_code == 400


def test_chat_prompt_logprobs(http: httpx2.Client) -> None:
    """On chat they stand at the top level, one row a prompt token."""
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1, "prompt_logprobs": 1}
    answer = http.post("/v1/chat/completions", json={**body, "return_token_ids": True}).json()

    assert len(answer["prompt_logprobs"]) == len(answer["prompt_token_ids"])
    assert answer["prompt_logprobs"][0] is None


def test_echo_bos_adds_a_leading_row(folder: ModelFolder, ids: list[int]) -> None:
    """The switch puts one more row before those of a text prompt, and none before ids."""
    settings = ServerSettings(model=DEMO, echo_bos=True)
    with running(ModelService(settings)) as url, httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as http:
        for fields in ({"logprobs": 1}, {"logprobs": True}):
            rows = {}
            for name, prompt in (("text", PROMPT), ("ids", ids)):
                logprobs = complete(http, **fields, prompt=prompt, echo=True, max_tokens=0)["logprobs"]
                rows[name] = logprobs.get("content") or logprobs["token_ids"]

            assert len(rows["text"]) == len(rows["ids"]) + 1 == len(ids) + 1
            assert rows["text"][2:] == rows["ids"][1:]
    assert folder.leading_token_id in folder.end_token_ids
