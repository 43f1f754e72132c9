"""What a request rules out, cuts, and has kept: over HTTP, in vLLM's sense."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from token_difr.server.model.folder import ModelFolder

PROMPT = "The list"
GREEDY = {"prompt": PROMPT, "temperature": 0, "max_tokens": 8, "return_token_ids": True}
MESSAGES = [{"role": "user", "content": "What does str.join do?"}]


def choice(http: httpx2.Client, **fields: Any) -> dict[str, Any]:
    answer = http.post("/v1/completions", json={**GREEDY, **fields})
    assert answer.status_code == 200, answer.text
    first: dict[str, Any] = answer.json()["choices"][0]
    return first


@pytest.fixture(scope="module")
def plain(http: httpx2.Client) -> list[int]:
    """The greedy tokens without any of it."""
    ids: list[int] = choice(http)["token_ids"]
    return ids


def test_min_tokens_keeps_end_tokens_away(http: httpx2.Client, plain: list[int]) -> None:
    """A stop token does not come before its turn, a stop string does not count; then both do."""
    first = plain[0]
    held = choice(http, stop_token_ids=[first], min_tokens=3)

    assert choice(http, stop_token_ids=[first])["token_ids"] == [first]
    assert first not in held["token_ids"][:3]
    assert len(held["token_ids"]) >= 3
    late = choice(http, stop=["s"], min_tokens=6)
    assert late["token_ids"] == plain[: len(late["token_ids"])]
    assert len(late["token_ids"]) > 6
    too_many = http.post("/v1/completions", json={**GREEDY, "min_tokens": 9})
    assert too_many.json()["error"]["param"] == "min_tokens"
    native = {"text": PROMPT, "sampling_params": {"temperature": 0, "max_new_tokens": 8, "stop_token_ids": [first]}}
    native["sampling_params"]["min_new_tokens"] = 3  # type: ignore[index]  # a dict of dicts
    assert http.post("/generate", json=native).json()["output_ids"] == held["token_ids"]


def test_only_allowed_tokens_come(http: httpx2.Client) -> None:
    """Ids that the model does not have are refused, and so is a request that leaves none."""
    assert set(choice(http, allowed_token_ids=[300, 301], temperature=2.0)["token_ids"]) <= {300, 301}
    unknown = http.post("/v1/completions", json={**GREEDY, "allowed_token_ids": [2048]}).json()["error"]
    assert unknown["param"] == "allowed_token_ids"
    word = choice(http, max_tokens=1)
    none = {"allowed_token_ids": word["token_ids"], "bad_words": [word["text"]]}
    for fields in ({}, {"stream": True}):
        answer = http.post("/v1/completions", json={**GREEDY, **none, **fields})
        assert "rules out every token" in answer.text
        assert answer.status_code == (200 if fields else 400)


def test_bad_words_do_not_come(http: httpx2.Client, folder: ModelFolder, plain: list[int]) -> None:
    """Neither at the start of a text nor behind a space; a word of several tokens loses its last one alone."""
    for count in (1, 2):
        word = folder.tokenizer.decode(plain[:count])
        spelled = folder.tokenizer.encode(word.lstrip(), add_special_tokens=False)
        ids = choice(http, bad_words=[word])["token_ids"]

        assert not any(ids[at : at + len(spelled)] == spelled for at in range(len(ids)))


def test_named_tokens_stand_beside_the_likeliest(http: httpx2.Client, folder: ModelFolder) -> None:
    """Both forms of completions and chat have them, once each; without logprobs they are an error."""
    named = [400, 401]
    texts = [folder.tokenizer.token_text(token) for token in named]
    all_rows = choice(http, logprobs=20)["logprobs"]["top_logprobs"]
    for row, wide in zip(
        choice(http, logprobs=1, logprob_token_ids=named)["logprobs"]["top_logprobs"], all_rows, strict=True
    ):
        assert set(texts) <= row.keys()
        assert all(row[text] == pytest.approx(wide[text], abs=1e-4) for text in row.keys() & wide.keys())
    fields = {"logprobs": True, "top_logprobs": 2, "logprob_token_ids": named, "max_tokens": 2}
    chat = http.post("/v1/chat/completions", json={"messages": MESSAGES, **fields}).json()["choices"][0]
    for content in (chat["logprobs"]["content"], choice(http, **fields)["logprobs"]["content"]):
        for entry in content:
            ids = [top["token_id"] for top in entry["top_logprobs"]]
            assert len(ids) == len(set(ids)) == len({*ids[:2], *named})
            assert set(named) <= set(ids)
    refused = http.post("/v1/completions", json={**GREEDY, "logprob_token_ids": named})
    assert refused.json()["error"]["param"] == "logprob_token_ids"


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"truncate_prompt_tokens": 3}, slice(-3, None)),
        ({"truncate_prompt_tokens": 3, "truncation_side": "right"}, slice(3)),
        ({"truncate_prompt_tokens": 900}, slice(None)),
        ({"truncate_prompt_tokens": -1, "max_tokens": 1000}, slice(-24, None)),
    ],
)
def test_prompts_are_cut_as_asked(http: httpx2.Client, fields: dict[str, Any], kept: slice) -> None:
    """The end stays, or the beginning; -1 leaves room for the output. What is echoed is what is left."""
    prompt = list(range(300, 340))
    answer = choice(http, prompt=prompt, stop_token_ids=list(range(2000)), ignore_eos=True, echo=True, **fields)

    assert answer["prompt_token_ids"] == prompt[kept]


def test_long_texts_are_cut_before_they_are_tokenized(http: httpx2.Client, folder: ModelFolder) -> None:
    """What stays is what would stay of all their tokens."""
    text = "".join(f"line {number}: the list method append, with ümlauts\n" for number in range(4000))
    ids = folder.tokenizer.encode(text, add_special_tokens=False)
    for side, kept in (("left", ids[-50:]), ("right", ids[:50])):
        answer = choice(http, prompt=text, truncate_prompt_tokens=50, truncation_side=side, max_tokens=1)

        assert answer["prompt_token_ids"] == kept


def test_cut_chats_fit(http: httpx2.Client) -> None:
    """A conversation that is too long is refused, by its text already, and fits where it may be cut."""
    long = {"messages": [{"role": "user", "content": "word " * 20_000}], "max_tokens": 2, "return_token_ids": True}
    refused = http.post("/v1/chat/completions", json=long).json()["error"]
    assert refused["code"] == "context_length_exceeded"
    assert "at least" in refused["message"]
    cut = http.post("/v1/chat/completions", json={**long, "truncate_prompt_tokens": -1}).json()
    assert len(cut["prompt_token_ids"]) == 1022
    for wrong in (0, 1025, -2):
        answer = http.post("/v1/chat/completions", json={**long, "truncate_prompt_tokens": wrong})
        assert answer.json()["error"]["param"] == "truncate_prompt_tokens"


@pytest.mark.parametrize("stream", [False, True])
def test_stop_tokens_are_told_and_kept(
    http: httpx2.Client, plain: list[int], folder: ModelFolder, stream: bool
) -> None:
    """``stop_reason`` is the token's id; its text is in the text only where the request wants it."""
    before, whole = folder.tokenizer.decode(plain[:2]), folder.tokenizer.decode(plain[:3])
    for fields, text in (
        ({}, before),
        ({"include_stop_str_in_output": True}, whole),
        ({"no_stop_trim": True}, whole),
    ):
        body = {**GREEDY, "stop_token_ids": [plain[2]], "stream": stream, **fields}
        answer = http.post("/v1/completions", json=body).text
        lines = [line.removeprefix("data: ") for line in answer.splitlines() if "choices" in line]
        choices = [httpx2.Response(200, content=line).json()["choices"][0] for line in lines]

        assert "".join(one["text"] for one in choices) == text
        assert choices[-1]["stop_reason"] == plain[2]
        assert choices[-1]["finish_reason"] == "stop"


def test_prompts_without_a_seed_draw_apart(http: httpx2.Client) -> None:
    """Equal prompts of one request have seeds of their own; with a seed all have the same."""
    free = http.post("/v1/completions", json={"prompt": ["x"] * 6, "max_tokens": 8, "n": 2}).json()["choices"]
    seeds = [one["seed"] for one in free]
    assert len(set(seeds)) == 12
    assert [one["seed"] - other["seed"] for other, one in zip(free[::2], free[1::2], strict=True)] == [1] * 6
    tied = http.post("/v1/completions", json={"prompt": ["x"] * 3, "max_tokens": 8, "seed": 5}).json()["choices"]
    assert [one["seed"] for one in tied] == [5] * 3
    assert len({one["text"] for one in tied}) == 1


def test_streams_can_count_on(http: httpx2.Client) -> None:
    """``continuous_usage_stats`` puts the usage so far into every event."""
    options = {"include_usage": True, "continuous_usage_stats": True}
    body = {**GREEDY, "ignore_eos": True, "stream": True, "stream_options": options}
    lines = http.post("/v1/completions", json=body).text.splitlines()
    counts = [
        httpx2.Response(200, content=line[6:]).json()["usage"]["completion_tokens"] for line in lines if "{" in line
    ]

    assert counts == sorted(counts)
    assert counts[-1] == 8
