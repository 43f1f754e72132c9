"""vLLM's dialect, over loopback HTTP: alignment, quirks, and answers that cannot be trusted."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from token_difr.errors import AnswerError, EndpointError, InputError
from token_difr.records import TokenSequence, TopKBatch
from token_difr.reference import VllmReference, open_reference
from token_difr.services import open_client

SEQUENCE = TokenSequence([10, 11, 12], [20, 21])


def ask(endpoint: Any, sequences: list[TokenSequence], *, topk_logprobs: int = 2, **options: Any) -> TopKBatch:
    async def work() -> TopKBatch:
        async with open_client(endpoint.url, max_retries=0) as client:
            reference = VllmReference(client, "m", topk_logprobs=topk_logprobs)
            return await reference.topk(sequences, progress=False, **options)

    return asyncio.run(work())


def with_row(endpoint: Any, position: int, row: Any) -> None:
    """Let the endpoint answer ``row`` at ``position`` of the sent tokens."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, completion = endpoint.honest(path, body)
        completion["choices"][0]["prompt_logprobs"][position] = row
        return status, completion

    endpoint.answer = answer


def entry(logprob: float, rank: int) -> dict[str, Any]:
    return {"logprob": logprob, "rank": rank, "decoded_token": "x"}


def test_request(endpoint: Any) -> None:
    """The ids go out as they are, with one token asked for and nothing sampled."""
    ask(endpoint, [SEQUENCE], topk_logprobs=7)
    ((path, body, headers),) = endpoint.requests
    assert path == "/v1/completions"
    assert body == {
        "model": "m",
        "prompt": [10, 11, 12, 20, 21],
        "max_tokens": 1,
        "temperature": 0,
        "prompt_logprobs": 7,
        "return_token_ids": True,
    }
    assert headers["x-request-tag"] == "reference-0"


def test_rows_are_those_of_the_output(endpoint: Any) -> None:
    """Rows [P, P + n) of the tokens sent, in CSR form, with the claimed tokens and the prompt's length."""
    batch = ask(endpoint, [SEQUENCE])
    assert batch.token_ids.tolist() == [20, 21, 21, 22]
    assert batch.logprobs.tolist() == [-0.25, -2.0] * 2
    assert batch.indptr.tolist() == [0, 2, 4]
    assert batch.claimed.tolist() == [20, 21]
    assert batch.sequence_indptr.tolist() == [0, 2]
    assert batch.prompt_lengths is not None
    assert batch.prompt_lengths.tolist() == [3]
    assert np.isnan(batch.claimed_logprob).all()
    assert batch.claimed_rank.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("row", "topk_logprobs"),
    [
        ({"20": entry(-6.0, 500), "1": entry(-0.5, 1), "2": entry(-1.0, 2)}, 2),
        # The server lowered k from 5 to 2 without a word: the rank tells that the claimed token is the odd one out.
        ({"20": entry(-6.0, 500), "1": entry(-0.5, 1), "2": entry(-1.0, 2)}, 5),
    ],
)
def test_claimed_token_outside_the_top(endpoint: Any, row: Any, topk_logprobs: int) -> None:
    """A claimed token that was added out of order goes to the claimed arrays; the row stays the contiguous top."""
    with_row(endpoint, 3, row)
    batch = ask(endpoint, [SEQUENCE], topk_logprobs=topk_logprobs)
    assert batch.token_ids[batch.indptr[0] : batch.indptr[1]].tolist() == [1, 2]
    assert batch.claimed_logprob[0] == -6.0
    assert batch.claimed_rank[0] == 499


def test_tie_in_a_row_of_one(endpoint: Any) -> None:
    """Where the only entry is a token that shares its logprob, its rank of 2 leaves no empty row."""
    endpoint.answer = lambda _path, body: (
        200,
        {"choices": [{"prompt_logprobs": [None, *({str(token): entry(-0.7, 2)} for token in body["prompt"][1:])]}]},
    )
    batch = ask(endpoint, [SEQUENCE], topk_logprobs=1)
    assert batch.indptr.tolist() == [0, 1, 2]
    assert batch.token_ids.tolist() == [20, 21]


def test_minus_9999_is_minus_infinity(endpoint: Any) -> None:
    """JSON's stand-in for -inf, in the row and outside of it."""
    with_row(endpoint, 3, {"20": entry(0.0, 1), "1": entry(-9999.0, 2)})
    assert ask(endpoint, [SEQUENCE]).logprobs[:2].tolist() == [0.0, -math.inf]
    with_row(endpoint, 3, {"20": entry(-9999.0, 900), "1": entry(-0.5, 1), "2": entry(-1.0, 2)})
    assert ask(endpoint, [SEQUENCE]).claimed_logprob[0] == -math.inf


def test_rows_in_any_order_are_sorted(endpoint: Any) -> None:
    """Objects have no order: a row comes out sorted by logprob."""
    with_row(endpoint, 3, {"1": entry(-3.0, 2), "20": entry(-0.1, 1)})
    assert ask(endpoint, [SEQUENCE]).token_ids[:2].tolist() == [20, 1]


def test_empty_outputs_keep_their_place(endpoint: Any) -> None:
    """A sequence without output tokens is not asked for, and is an empty sequence of the batch."""
    kept: dict[int, TopKBatch] = {}
    batch = ask(endpoint, [TokenSequence([1], []), SEQUENCE, TokenSequence([], [])], keep=kept.__setitem__)
    assert batch.sequence_indptr.tolist() == [0, 0, 2, 2]
    assert batch.prompt_lengths is not None
    assert batch.prompt_lengths.tolist() == [1, 3, 0]
    assert endpoint.tags() == ["reference-1"]
    assert sorted(kept) == [0, 1, 2]
    assert len(ask(endpoint, []).claimed) == 0


def test_only_missing_rows_are_asked_for(endpoint: Any) -> None:
    """Rows that are here already are joined in their place."""
    kept: dict[int, TopKBatch] = {}
    whole = ask(endpoint, [SEQUENCE, TokenSequence([1, 2], [3]), SEQUENCE], keep=kept.__setitem__)
    endpoint.requests.clear()
    again = ask(endpoint, [SEQUENCE, TokenSequence([1, 2], [3]), SEQUENCE], answered={0: kept[0], 2: kept[2]})
    assert endpoint.tags() == ["reference-1"]
    assert again.token_ids.tolist() == whole.token_ids.tolist()
    assert again.indptr.tolist() == whole.indptr.tolist()


def test_row_0_means_nothing(endpoint: Any) -> None:
    """Whatever an answer holds for the first token, it is not used."""
    with_row(endpoint, 0, {"99": entry(-1.0, 1)})
    assert ask(endpoint, [SEQUENCE]).token_ids.tolist() == [20, 21, 21, 22]


def test_ids_need_not_be_echoed(endpoint: Any) -> None:
    """A server that does not echo ids is believed on its rows, which hold every token that was sent."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, completion = endpoint.honest(path, body)
        del completion["choices"][0]["prompt_token_ids"]
        return status, completion

    endpoint.answer = answer
    assert len(ask(endpoint, [SEQUENCE]).claimed) == 2


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["prompt_logprobs"].pop(), "returned 4 rows for 5 tokens"),
        (lambda c: c["prompt_logprobs"].append({}), "returned 6 rows for 5 tokens"),
        (lambda c: c.pop("prompt_logprobs"), "gives no prompt_logprobs"),
        (lambda c: c["prompt_token_ids"].__setitem__(3, 9), "at position 3 of 5 it had id 9, sent was id 20"),
        (lambda c: c["prompt_token_ids"].insert(0, 1), "at position 0 of 5 it had id 1, sent was id 10"),
        (lambda c: c["prompt_token_ids"].pop(), "at position 4 of 5 it had nothing, sent was id 21"),
        (lambda c: c["prompt_token_ids"].append(7), "at position 5 of 5 it had id 7, sent was nothing"),
        (lambda c: c.update(prompt_token_ids="abc"), "not a list"),
        (lambda c: c["prompt_token_ids"].__setitem__(3, None), r"prompt_token_ids\[3\] .* but found null\. "),
        (lambda c: c["prompt_token_ids"].__setitem__(3, 20.5), r"prompt_token_ids\[3\] .*: not a token id\. "),
        (lambda c: c["prompt_token_ids"].__setitem__(3, "\x1b[2J" * 99), r"prompt_token_ids\[3\] .* found string\. "),
        (lambda c: c["prompt_token_ids"].__setitem__(3, 10**99), r"prompt_token_ids\[3\] .*: not a token id\. "),
        (lambda c: c["prompt_logprobs"][4]["21"].update(logprob=10**999), "position 4 is not in vLLM's form"),
        (lambda c: c["prompt_logprobs"][4].pop("21"), "position 4 is for another token: it lacks the id 21"),
        (lambda c: c["prompt_logprobs"][1].pop("11"), "position 1 is for another token"),
        (lambda c: c["prompt_logprobs"].__setitem__(4, None), "gives no logprobs for the token at position 4"),
        (lambda c: c["prompt_logprobs"][4].update(x=entry(-3, 3)), "position 4 is not in vLLM's form"),
        (lambda c: c["prompt_logprobs"][4].update({"5": {"rank": 3}}), "position 4 is not in vLLM's form"),
        (lambda c: c["prompt_logprobs"][4].update({"5": {"logprob": "a"}}), "position 4 is not in vLLM's form"),
        (lambda c: c["prompt_logprobs"][4].update({"5": 7}), "position 4 is not in vLLM's form"),
        (
            lambda c: c["prompt_logprobs"][4].update({"5": entry(-3, 3), "6": entry(-4, 4)}),
            "has 4 entries, asked were 2",
        ),
        (lambda c: c["prompt_logprobs"][4]["21"].update(logprob=12.5), "look like raw logits"),
        (lambda c: c["prompt_logprobs"][4]["21"].update(logprob=math.nan), "logprobs"),
    ],
)
def test_answer_that_cannot_be_trusted(endpoint: Any, change: Change, words: str) -> None:
    """Rows for other tokens, too few of them, or numbers that are no logprobs: named, with the position; never kept."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, completion = endpoint.honest(path, body)
        change(completion["choices"][0])
        return status, completion

    endpoint.answer = answer
    kept: dict[int, TopKBatch] = {}
    with pytest.raises(AnswerError, match=words) as caught:
        ask(endpoint, [SEQUENCE], keep=kept.__setitem__)
    assert f"{endpoint.url}/v1, reference 0: " in str(caught.value)
    assert kept == {}


def test_no_choices(endpoint: Any) -> None:
    """An answer without choices is named."""
    endpoint.answer = lambda _path, _body: (200, {"choices": []})
    with pytest.raises(AnswerError, match="no choices"):
        ask(endpoint, [SEQUENCE])


def test_single_failures_keep_the_rest(endpoint: Any) -> None:
    """A sequence that the reference cannot take does not cost the others."""
    endpoint.answer = lambda path, body: (
        (400, {"error": {"message": "too long"}}) if len(body["prompt"]) > 5 else endpoint.honest(path, body)
    )
    kept: dict[int, TopKBatch] = {}
    with pytest.raises(EndpointError, match=r"1 of 2 requests failed, .*too long"):
        ask(endpoint, [TokenSequence([1] * 9, [2]), SEQUENCE], keep=kept.__setitem__)
    assert sorted(kept) == [1]


def test_dialects(endpoint: Any) -> None:
    """References are made by their dialect's name; an unknown one lists those there are."""
    client = open_client(endpoint.url)
    reference = open_reference("vllm", client, "m", topk_logprobs=5)
    assert (reference.url, reference.model, reference.dialect, reference.topk_logprobs) == (
        f"{endpoint.url}/v1",
        "m",
        "vllm",
        5,
    )
    with pytest.raises(InputError, match="no reference dialect 'morse'; choose one of: vllm"):
        open_reference("morse", client, "m")
    with pytest.raises(InputError, match="topk_logprobs"):
        open_reference("vllm", client, "m", topk_logprobs=0)
