"""Every dialect tells the same rows about the demo model, over HTTP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from token_difr.records import UNRESOLVED, TokenSequence, TopKBatch
from token_difr.reference import DIALECTS, open_reference
from token_difr.services import open_client
from token_difr.testing.dialect_standins import llama_cpp_in_front_of, together_in_front_of

K = 5
NEAR = 2e-4  # printed logprobs and batches of other sizes


@pytest.fixture(scope="module")
def urls(demo_url: str) -> Iterator[dict[str, str]]:
    """Where each dialect is spoken."""
    with ExitStack() as stack:
        yield {
            **dict.fromkeys(DIALECTS, demo_url),
            "llama.cpp": stack.enter_context(llama_cpp_in_front_of(demo_url)),
            "together": stack.enter_context(together_in_front_of(demo_url)),
        }


def ask(dialect: str, url: str, tokenizer: Any, sequences: list[TokenSequence], **options: Any) -> TopKBatch:
    async def work() -> TopKBatch:
        async with open_client(url, max_retries=0) as client:
            made = DIALECTS[dialect](client, "demo", topk_logprobs=K, tokenizer=tokenizer, **options)
            return await made.topk(sequences, progress=False)

    return asyncio.run(work())


def assert_same(batch: TopKBatch, expected: TopKBatch, *, tells_claimed: bool = True) -> None:
    """The same rows; unresolved entries and lost ones where strings name tokens."""
    assert batch.claimed.tolist() == expected.claimed.tolist()
    assert batch.sequence_indptr.tolist() == expected.sequence_indptr.tolist()
    assert batch.prompt_lengths is not None
    assert expected.prompt_lengths is not None
    assert batch.prompt_lengths.tolist() == expected.prompt_lengths.tolist()
    for j in range(len(expected)):
        row, wanted = row_of(batch, j), row_of(expected, j)
        known = {token: value for token, value in row.items() if token != UNRESOLVED}
        assert known.keys() <= wanted.keys(), j
        assert known == pytest.approx({token: wanted[token] for token in known}, abs=NEAR)
        if batch.contiguous:
            assert row.keys() == wanted.keys(), j
        known_claimed = tells_claimed and not math.isnan(expected.claimed_logprob[j])
        if known_claimed and batch.claimed[j] not in row:
            assert batch.claimed_logprob[j] == pytest.approx(expected.claimed_logprob[j], abs=NEAR)


def row_of(batch: TopKBatch, j: int) -> dict[int, float]:
    entries = slice(int(batch.indptr[j]), int(batch.indptr[j + 1]))
    return dict(zip(batch.token_ids[entries].tolist(), batch.logprobs[entries].tolist(), strict=True))


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "vllm"])
def test_same_rows(
    dialect: str, urls: dict[str, str], demo_tokenizer: Any, demo_sequences: list[TokenSequence]
) -> None:
    """Ids, logprobs and claimed logprobs are those of vLLM's dialect; no string becomes a wrong id."""
    expected = ask("vllm", urls["vllm"], demo_tokenizer, demo_sequences)
    batch = ask(dialect, urls[dialect], demo_tokenizer, demo_sequences)

    assert batch.contiguous is (dialect not in {"fireworks-legacy", "together", "completions"})
    assert_same(batch, expected, tells_claimed=dialect != "llama.cpp")
    assert np.isfinite(expected.claimed_logprob).any()


@pytest.mark.parametrize("dialect", ["fireworks", "fireworks-legacy"])
def test_echo_last(
    dialect: str, urls: dict[str, str], demo_tokenizer: Any, demo_sequences: list[TokenSequence]
) -> None:
    """An echo of the output alone gives the same rows as an echo of all."""
    whole = ask(dialect, urls[dialect], demo_tokenizer, demo_sequences)
    last = ask(dialect, urls[dialect], demo_tokenizer, demo_sequences, echo_last=True)

    assert last.token_ids.tolist() == whole.token_ids.tolist()
    assert last.logprobs == pytest.approx(whole.logprobs, abs=NEAR)


def test_strings_resolve_nearly_always(
    urls: dict[str, str], demo_tokenizer: Any, demo_sequences: list[TokenSequence]
) -> None:
    """Only pieces of characters, which share their string with others, stay unresolved."""
    plain = [demo_sequences[0], demo_sequences[2]]
    batch = ask("completions", urls["completions"], demo_tokenizer, plain)

    assert np.mean(batch.token_ids == UNRESOLVED) < 0.01
    inside = [(batch.claimed[j] in row_of(batch, j)) for j in range(len(batch))]
    assert any(inside)


def test_together_without_ids(demo_url: str, demo_tokenizer: Any, demo_sequences: list[TokenSequence]) -> None:
    """Where Together gives no ids, the strings of the echo are checked instead."""
    expected = ask("vllm", demo_url, demo_tokenizer, demo_sequences)
    with together_in_front_of(demo_url, with_ids=False) as url:
        assert_same(ask("together", url, demo_tokenizer, demo_sequences), expected)


def test_text_where_ids_are_refused(demo_url: str, demo_tokenizer: Any, demo_sequences: list[TokenSequence]) -> None:
    """An endpoint that takes no ids is sent the decoded text, once it has refused them."""
    expected = ask("vllm", demo_url, demo_tokenizer, demo_sequences)
    with together_in_front_of(demo_url) as url:
        assert_same(ask("completions", url, demo_tokenizer, demo_sequences), expected)


def test_topk_beyond_the_limit_is_lowered(demo_tokenizer: Any) -> None:
    """With a warning that names both numbers."""
    client = open_client("http://127.0.0.1:1")
    with pytest.warns(UserWarning, match="fireworks gives at most 5 logprobs a position: .* from 20 to it"):
        reference = open_reference("fireworks", client, "m", topk_logprobs=20, tokenizer=demo_tokenizer)
    assert reference.topk_logprobs == 5
    with pytest.warns(UserWarning, match="together gives at most 20"):
        assert open_reference("together", client, "m", topk_logprobs=21, tokenizer=demo_tokenizer).topk_logprobs == 20
