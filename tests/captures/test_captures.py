"""Every client path that a real engine's answer fits reads it: fields that our own server never sends change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from captures.replay import TOKENIZER, captures, load, replayed
from token_difr.answers import collect
from token_difr.errors import AnswerError, EndpointError, TokenDifrError, UnknownModelError
from token_difr.findings import Evidence, find_all
from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Fidelity,
    Judged,
    Response,
    SamplingParams,
    TokenSequence,
    TopKBatch,
)
from token_difr.reference import no_rows, open_reference
from token_difr.rollouts.answer import Expected, response_of
from token_difr.rollouts.context_room import room_of
from token_difr.sequences import load_tokenizer, tokenize
from token_difr.services import open_client, read_answer

ENGINES = ["vllm", "llamacpp"]
TEXTS = {
    "vllm-chat-cut-in-character": "Repeat exactly:🙂",
    "vllm-chat-logprobs": '"A smile of joy, a smile of happiness, a',
    "vllm-chat-seeded": "Beautifully crafted, my friend. A humble café.",
    "llamacpp-chat-cut-in-character": "Repeat exactly:🙂",
    "llamacpp-chat-logprobs": '"A smile of joy, a smile of happiness, a',
    "llamacpp-chat-seeded": "*smiles with a warm smile*",
}


def with_client(url: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What ``work`` gives for a client of ``url``."""

    async def run() -> Any:
        async with open_client(url, max_retries=0) as client:
            return await work(client)

    return asyncio.run(run())


def answered(name: str) -> Response:
    """The answer to a captured chat, as an audit collects it."""
    capture = load(name)
    with replayed(name) as (url, _):
        (response,) = with_client(
            url,
            lambda client: collect(
                [capture.asked["messages"]],
                client=client,
                model=capture.asked["model"],
                max_tokens=capture.asked["max_tokens"],
                asking=Asking(token_ids=True),
                progress=False,
            ),
        )
    return response  # type: ignore[no-any-return]


def test_all_of_them_are_here() -> None:
    """Ten requests to each of two engines."""
    assert len(captures()) == 20
    assert {name.partition("-")[0] for name in captures()} == set(ENGINES)


@pytest.mark.parametrize("name", TEXTS)
def test_an_audit_collects_a_chat(name: str) -> None:
    """Text, counts and the reason of the end are the engine's; null logprobs, timings and tiers are kept and act on nothing."""
    capture, response = load(name), answered(name)
    usage = capture.answer["usage"]

    assert response.content == TEXTS[name]
    assert (response.prompt_tokens, response.completion_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert response.ended == (name == "llamacpp-chat-seeded")
    assert response.reasoning == ""
    assert response.body == capture.answer


@pytest.mark.parametrize("name", TEXTS)
def test_its_tokens_are_the_engines(name: str) -> None:
    """Of vLLM the ids count, also where the text breaks off inside a character; llama.cpp sends none."""
    capture, response = load(name), answered(name)
    tokenizer = load_tokenizer(TOKENIZER)
    (sequence,) = tokenize([capture.asked["messages"]], [response], tokenizer, max_tokens=capture.asked["max_tokens"])

    if name.startswith("vllm"):
        assert list(sequence.prompt_token_ids) == capture.answer["prompt_token_ids"]
        assert list(sequence.output_token_ids) == capture.choice["token_ids"]
        assert sequence.fidelity is Fidelity.IDS
    else:
        assert len(sequence.prompt_token_ids) == capture.answer["usage"]["prompt_tokens"]
        assert sequence.fidelity is not Fidelity.IDS


@pytest.mark.parametrize("engine", ENGINES)
def test_rollouts_read_logprobs(engine: str) -> None:
    """One a token, with the likeliest beside it; llama.cpp's ``id`` is the token's."""
    name = f"{engine}-chat-logprobs"
    capture = load(name)
    sample = response_of(capture.answer, Expected(logprobs=True), seed=0)
    entries = capture.choice["logprobs"]["content"]

    assert sample.content == TEXTS[name]
    assert sample.logprobs is not None
    assert sample.logprobs.token_logprobs == pytest.approx([entry["logprob"] for entry in entries])
    assert [len(row) for row in sample.logprobs.candidates] == [3] * len(entries)
    if engine == "llamacpp":
        assert sample.logprobs.token_ids == [entry["id"] for entry in entries]


def test_echo_that_is_passed_over_is_an_error() -> None:
    """llama.cpp answers a request for the prompt's logprobs with the answer's own: nobody may take them for the prompt's."""
    body = load("llamacpp-completion-echo-logprobs").answer
    with pytest.raises(AnswerError, match="echo was asked for, and the provider passed it over"):
        response_of(body, Expected(logprobs=True, echo=True, prompt_text="The sky is blue. 你好 🙂"), seed=0)


def test_an_echo_is_read_with_the_prompt() -> None:
    """Of vLLM: nothing is printed for a token inside a character, and the whole character at its last byte."""
    capture = load("vllm-completion-echo-logprobs")
    prompt = capture.asked["prompt"]
    sample = response_of(capture.answer, Expected(logprobs=True, echo=True, prompt_text=prompt), seed=0)

    assert sample.content == "\n"
    assert sample.logprobs is not None
    assert sample.logprobs.num_prompt_tokens == 11
    assert len(sample.logprobs.generation().tokens) == 1


def rows(name: str, dialect: str, sent: list[int]) -> TopKBatch:
    """What a reference of that dialect reads in a capture; the last two tokens are the output."""
    sequence = TokenSequence(sent[:-2], sent[-2:])
    with replayed(name) as (url, _):
        return with_client(  # type: ignore[no-any-return]
            url,
            lambda client: open_reference(
                dialect, client, "smol", topk_logprobs=3, tokenizer=load_tokenizer(TOKENIZER)
            ).rows(sequence, tag="test"),
        )


def sent_ids() -> list[int]:
    """The tokens of the captured prompt, as vLLM read them."""
    ids: list[int] = load("vllm-completion-prompt-logprobs").choice["prompt_token_ids"]
    return ids


def test_prompt_logprobs_are_rows() -> None:
    """The reference's dialect: logprob and rank of what was sent, the three likeliest beside it."""
    given = load("vllm-completion-prompt-logprobs").choice["prompt_logprobs"]
    batch = rows("vllm-completion-prompt-logprobs", "vllm", sent_ids())

    assert batch.claimed.tolist() == sent_ids()[-2:]
    for position, token in enumerate(sent_ids()[-2:]):
        entry = given[len(sent_ids()) - 2 + position]
        part = slice(*batch.indptr[position : position + 2])
        found = dict(zip(batch.token_ids[part].tolist(), batch.logprobs[part].tolist(), strict=True))
        likeliest = {int(id_): each["logprob"] for id_, each in entry.items() if each["rank"] <= 3}
        assert found == pytest.approx(likeliest)
        own = batch.claimed_logprob[position]
        assert np.isnan(own) or own == pytest.approx(entry[str(token)]["logprob"])


@pytest.mark.parametrize(
    ("name", "dialect", "words"),
    [
        ("llamacpp-completion-prompt-logprobs", "vllm", "gives no prompt_logprobs; does it speak vLLM's dialect"),
        ("llamacpp-completion-echo-logprobs", "completions", "pass over the field that asks for the prompt's logprobs"),
    ],
)
def test_rows_that_did_not_come_are_an_error(name: str, dialect: str, words: str) -> None:
    """llama.cpp passes ``prompt_logprobs`` and ``echo`` over: the error says so, and nothing is scored."""
    with pytest.raises(EndpointError, match=words):
        rows(name, dialect, sent_ids())


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("vllm-too-long", EndpointError, ["2048", "2049"]),
        ("llamacpp-too-long", EndpointError, ["2048", "3001"]),
        ("vllm-unknown-model", UnknownModelError, ["nope"]),
    ],
)
def test_refusals_keep_the_engines_words(name: str, error: type[TokenDifrError], words: list[str]) -> None:
    """An error that names the numbers, or the model."""
    capture = load(name)
    with replayed(name) as (url, _), pytest.raises(error) as caught:
        with_client(
            url,
            lambda client: collect(
                [[{"role": "user", "content": "word"}]], client=client, model=capture.asked["model"], progress=False
            ),
        )
    assert all(word in str(caught.value) for word in words)


def test_the_room_of_a_context_is_read_off_a_refusal() -> None:
    """llama.cpp says what the prompt takes: nothing is left. vLLM says so too."""
    assert room_of(load("llamacpp-too-long").answer["error"]["message"], 100) == 0
    assert room_of(load("vllm-too-long").answer["error"]["message"], 100) == 0


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("vllm-stop-token", " five,", "stop"),
        ("llamacpp-stop-token", " five, six, seven, eight, and nine, respectively", "length"),
        ("vllm-prompt-list", ". Confirm", "length"),
        ("llamacpp-prompt-list", " the most", "length"),
        ("llamacpp-unknown-model", " and", "length"),
    ],
)
def test_completions_are_read(name: str, text: str, reason: str) -> None:
    """The first choice counts; a stop reason that is a number, and nulls, change nothing."""
    answer = read_answer(load(name).answer)

    assert (answer.content, answer.finish_reason, answer.token_ids) == (text, reason, None)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stream_that_nobody_asked_for_is_named(engine: str) -> None:
    """No path here asks for one."""
    with replayed(f"{engine}-chat-stream") as (url, _), pytest.raises(EndpointError, match="not JSON"):
        with_client(
            url,
            lambda client: collect(
                [[{"role": "user", "content": "word"}]], client=client, model="smol", progress=False
            ),
        )


def findings_of(name: str, model: str) -> dict[str, str]:
    """The findings on an audit of one captured chat, by name."""
    capture, response = load(name), answered(name)
    messages = capture.asked["messages"]
    tokenizer = load_tokenizer(TOKENIZER)
    sequences = tokenize([messages], [response], tokenizer, max_tokens=capture.asked["max_tokens"])
    asked = Asked(
        provider="http://127.0.0.1/v1",
        model=model,
        params=SamplingParams(),
        max_tokens=12,
        asking=Asking(token_ids=True),
    )
    evidence = Evidence(
        audit=Audit(asked=asked, judged=Judged(reference=None, model=model, dialect="vllm", topk_logprobs=3)),
        prompts=[messages],
        responses=[response],
        sequences=sequences,
        batch=TopKBatch.concatenate([no_rows(sequence) for sequence in sequences]),
        tokenizer=tokenizer,
    )
    return {finding.name: finding.text for finding in find_all(evidence)}


@pytest.mark.parametrize("name", TEXTS)
def test_honest_engines_count_prompts_as_we_do(name: str) -> None:
    """No finding on the prompt's length, and none on the model's name."""
    found = findings_of(name, "smol")

    assert "answering_model" not in found
    assert "another" not in found.get("prompt_tokens", "")


def test_a_model_that_was_not_asked_for_is_a_finding() -> None:
    """llama.cpp serves any name: its answers say which model it is."""
    assert "smol" in findings_of("llamacpp-chat-logprobs", "nope")["answering_model"]
