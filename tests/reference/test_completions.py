"""References that take text alone: what the server adds to it, and what it then reads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from token_difr.errors import AnswerError
from token_difr.records import TokenSequence
from token_difr.reference import open_reference
from token_difr.sequences import load_tokenizer
from token_difr.services import open_client


def rows(endpoint: Any, sequences: list[TokenSequence], dialect: str = "completions") -> list[Any]:
    async def work() -> list[Any]:
        async with open_client(endpoint.url, max_retries=0) as client:
            reference = open_reference(dialect, client, "m", topk_logprobs=2, tokenizer=load_tokenizer("demo"))
            return [await reference.rows(sequence, tag=f"t-{n}") for n, sequence in enumerate(sequences)]

    return asyncio.run(work())


def texts_only(tokenizer: Any, *, adds: str) -> Any:
    """A server that takes no ids, adds a token to every text, and echoes the names of what it read."""

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if not isinstance(body["prompt"], str):
            return 400, {"error": {"message": "prompt must be a string"}}
        ids = tokenizer.encode(adds + body["prompt"], add_special_tokens=False)
        names = [tokenizer.decode([token]) for token in ids]
        lists = {
            "tokens": names,
            "token_logprobs": [None, *[-0.5] * (len(names) - 1)],
            "top_logprobs": [None, *({name: -0.5} for name in names[1:])],
        }
        return 200, {"choices": [{"logprobs": lists}], "usage": {"completion_tokens": 0}}

    return answer


@pytest.mark.parametrize(
    ("adds", "spelled", "left_off"),
    [
        ("<|im_start|>", True, True),
        ("<|im_start|>", False, False),
        ("<|endoftext|>", True, False),  # another token than the text begins with
        ("", True, False),
    ],
)
@pytest.mark.parametrize("dialect", ["completions", "together"])
def test_a_beginning_that_the_server_adds(
    endpoint: Any, adds: str, dialect: str, *, spelled: bool, left_off: bool
) -> None:
    """One that the text spells too is left off the text: a second one would move every logprob. That is learned once."""
    tokenizer: Any = load_tokenizer("demo")
    start = "<|im_start|>" if spelled else ""
    ids = tokenizer.encode(f"{start}What is a list", add_special_tokens=False)
    endpoint.answer = texts_only(tokenizer, adds=adds)
    batches = rows(endpoint, [TokenSequence(ids[:-1], ids[-1:])] * 2, dialect)
    assert [batch.claimed.tolist() for batch in batches] == [ids[-1:]] * 2
    sent = [body["prompt"] for _, body, _ in endpoint.requests if isinstance(body["prompt"], str)]
    expected = "What is a list" if left_off else f"{start}What is a list"
    assert sent[-1] == expected
    assert len(sent) == 2 + left_off


def test_what_leaving_it_off_does_not_mend(endpoint: Any) -> None:
    """The first error is told where the tokens differ for another reason."""
    tokenizer: Any = load_tokenizer("demo")
    ids = tokenizer.encode("<|im_start|>What is a list", add_special_tokens=False)
    endpoint.answer = texts_only(tokenizer, adds="odd ")
    with pytest.raises(AnswerError, match="read other tokens"):
        rows(endpoint, [TokenSequence(ids[:-1], ids[-1:])])
