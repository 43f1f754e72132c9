"""Verification against Fireworks and Tinker under the old names, over loopback HTTP."""

from __future__ import annotations

import asyncio
import math
import warnings
from typing import Any

import httpx2
import openai
import pytest

from patience import PATIENCE_SECONDS
from token_difr import (
    AnswerError,
    TokenMetrics,
    TokenSequence,
    load_tokenizer,
    verify_outputs_api,
    verify_outputs_fireworks,
)
from token_difr.errors import EndpointError, SamplerError

GREEDY: dict[str, Any] = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}
SEQUENCES = [TokenSequence([1, 2], [20, 21]), TokenSequence([1], []), TokenSequence((3,), (7,))]


def by_fireworks(endpoint: Any, outputs: list[TokenSequence], **changes: Any) -> list[list[TokenMetrics]]:
    async def work() -> list[list[TokenMetrics]]:
        async with openai.AsyncOpenAI(base_url=f"{endpoint.url}/v1", api_key="x", max_retries=0) as client:
            options = {"client": client, "model": "m", **GREEDY, **changes}
            return await verify_outputs_fireworks(outputs, 100, **options)

    return asyncio.run(work())


def by_api(endpoint: Any, outputs: list[TokenSequence], **changes: Any) -> list[list[TokenMetrics]]:
    with openai.OpenAI(base_url=f"{endpoint.url}/v1", api_key="x", max_retries=0) as client:
        options = {"client": client, "model": "m", "tokenizer": object(), **GREEDY, **changes}
        return verify_outputs_api(outputs, "fireworks", 100, **options)


@pytest.mark.parametrize("verify", [by_fireworks, by_api])
def test_metrics(fireworks: Any, verify: Any) -> None:
    """Built-in types, one list a sequence in input order, empty outputs in their place; ids go out as they are."""
    results = verify(fireworks, SEQUENCES)
    assert results == [
        [TokenMetrics(True, pytest.approx(math.exp(-0.25)), 0.0, 0.0, 0.0)] * 2,  # type: ignore[arg-type]
        [],
        [TokenMetrics(True, pytest.approx(math.exp(-0.25)), 0.0, 0.0, 0.0)],  # type: ignore[arg-type]
    ]
    assert type(results) is list
    assert {type(value) for value in results[0][0].to_dict().values()} == {bool, float}
    bodies = sorted((body for _, body, _ in fireworks.requests), key=lambda body: -len(body["prompt"]))
    assert [body["prompt"] for body in bodies] == [[1, 2, 20, 21], [3, 7]]
    assert bodies[0] == {
        "model": "m",
        "prompt": [1, 2, 20, 21],
        "max_tokens": 1,
        "temperature": 0,
        "echo": True,
        "logprobs": True,
        "top_logprobs": 5,  # all that Fireworks gives; the default of 20 means that
    }


@pytest.mark.parametrize("verify", [by_fireworks, by_api])
def test_nothing_to_verify(fireworks: Any, verify: Any) -> None:
    """Without output tokens nothing is sent, and nothing is printed."""
    assert verify(fireworks, [TokenSequence([1], []), TokenSequence([], [])], verbose=True) == [[], []]
    assert verify(fireworks, []) == []
    assert fireworks.requests == []


OUTSIDE = [
    pytest.param([(1, -0.5), (2, -1.0)], TokenMetrics(False, 0.0, math.inf, 2.0, 2.0), id="outside"),
    pytest.param([(1, -0.5), (2, -math.inf)], TokenMetrics(False, 0.0, math.inf, 1.0, 1.0), id="finite-entries"),
    pytest.param([], TokenMetrics(False, 0.0, math.nan, 0.0, 0.0), id="empty"),
    pytest.param([(1, -0.5), (3, -0.5)], TokenMetrics(False, 0.0, math.inf, 2.0, 2.0), id="tie"),
    pytest.param(
        [(1, -0.5), (2, -1.0), (20, -6.0)], TokenMetrics(False, math.exp(-6), 5.5, 2.0, 2.0), id="added-to-the-row"
    ),
    pytest.param([(20, -0.5), (30, -0.5)], TokenMetrics(True, math.exp(-0.5), 0.0, 0.0, 0.0), id="ties-of-its-own"),
    pytest.param([(30, -0.5), (19, -0.5), (20, -0.5)], TokenMetrics(False, math.exp(-0.5), 0.0, 0.0, 0.0), id="lost"),
]


@pytest.mark.parametrize(("row", "expected"), OUTSIDE)
def test_rows_are_all_that_counts(fireworks: Any, row: list[tuple[int, float]], expected: TokenMetrics) -> None:
    """The logprob beside a row does not act: outside its row a token has an infinite margin, whatever is known of it."""
    honest = fireworks.answer

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, completion = honest(path, body)
        entries = [{"token_id": token, "logprob": logprob} for token, logprob in row]
        beside = min((logprob for _, logprob in row), default=-1.0) - 5
        completion["choices"][0]["logprobs"]["content"][2].update(logprob=beside, top_logprobs=entries)
        return status, completion

    fireworks.answer = answer
    (first, second), *_ = by_fireworks(fireworks, SEQUENCES, topk_logprobs=2)
    assert first.to_dict() == pytest.approx(expected.to_dict(), nan_ok=True)
    assert second.exact_match


@pytest.mark.parametrize("verify", [by_fireworks, by_api])
def test_too_few_rows(fireworks: Any, verify: Any) -> None:
    """A short answer is a ValueError with the old words, and an AnswerError."""
    rows = [{"token_id": 1, "logprob": 0.0, "top_logprobs": []}] * 3
    fireworks.answer = lambda _path, _body: (200, {"choices": [{"logprobs": {"content": rows}}]})
    for kind in (ValueError, AnswerError):
        with pytest.raises(kind, match="Expected 2 logprob rows, got 1"):
            verify(fireworks, SEQUENCES[:1])


def test_other_tokens_were_read(fireworks: Any) -> None:
    """Rows of other tokens than those sent are refused."""
    honest = fireworks.answer
    fireworks.answer = lambda path, body: honest(path, {**body, "prompt": [1, 2, 3, 4]})
    with pytest.raises(AnswerError, match="at position 2 of 4 it had id 3, sent was id 20"):
        by_fireworks(fireworks, SEQUENCES[:1])


def test_a_chosen_number_above_the_limit_warns(fireworks: Any) -> None:
    """Only the old default is lowered without a word."""
    with pytest.warns(UserWarning, match="fireworks gives at most 5 logprobs"):
        by_fireworks(fireworks, SEQUENCES, topk_logprobs=7)


def test_another_dialect(fireworks: Any) -> None:
    """An answer without content objects says what is missing."""
    fireworks.answer = lambda _path, _body: (200, {"choices": [{"logprobs": None}]})
    with pytest.raises(AnswerError, match=r"no logprobs\.content; does it speak Fireworks' dialect"):
        by_fireworks(fireworks, SEQUENCES[:1])


@pytest.mark.parametrize("verify", [by_fireworks, by_api])
def test_temperature_without_a_sampler(fireworks: Any, verify: Any) -> None:
    """Scores are those of temperature 0, with a warning that names the way out."""
    with pytest.warns(UserWarning, match=r"temperature 0\.7 without a sampler.* give sampler=") as caught:
        results = verify(fireworks, SEQUENCES, temperature=0.7, top_k=-1)
    assert results == verify(fireworks, SEQUENCES)
    assert caught[0].filename.endswith(("events.py", "test_verify.py"))


@pytest.mark.parametrize("temperature", [0, 0.0, 1e-8])
def test_near_greedy_temperatures_do_not_warn(fireworks: Any, temperature: float) -> None:
    """Sampling at 1e-8 is greedy, whatever the filters say."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert by_api(fireworks, SEQUENCES, temperature=temperature)[0][0].exact_match


@pytest.mark.parametrize("temperature", [-1.0, math.nan, math.inf])
def test_impossible_temperatures(fireworks: Any, temperature: float) -> None:
    """They are refused before anything is sent."""
    with pytest.raises(ValueError, match="temperature must be a finite number"):
        by_fireworks(fireworks, SEQUENCES, temperature=temperature)
    assert fireworks.requests == []


@pytest.mark.parametrize("verify", [by_fireworks, by_api])
def test_verbose_writes_the_summary(fireworks: Any, verify: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Five lines on standard output; nothing without verbose."""
    verify(fireworks, SEQUENCES)
    assert capsys.readouterr().out == ""
    verify(fireworks, SEQUENCES, verbose=True)
    assert capsys.readouterr().out.splitlines()[:2] == ["Verification Summary:", "  Total tokens: 3"]


def test_server_that_takes_text_alone(fireworks: Any, serving: Any) -> None:
    """Where ids and the newer form are refused, the sequence is sent as text, and the rows are the same."""
    tokenizer = load_tokenizer("demo")
    ids = tokenizer.encode(
        "What is a list?\nA list is a 🎉 sequence.", add_special_tokens=False, split_special_tokens=True
    )
    outputs = [TokenSequence(ids[:4], ids[4:]), TokenSequence(ids[:6], ids[6:])]
    with serving("m") as url:

        def text_alone(path: str, body: dict[str, Any]) -> tuple[int, Any]:
            if isinstance(body["prompt"], list) or body["logprobs"] is True:
                return 400, {"error": {"message": "prompt must be a string"}}
            answer = httpx2.post(f"{url}{path.removeprefix('/v1')}", json=body, timeout=PATIENCE_SECONDS)
            return answer.status_code, answer.json()

        fireworks.answer = text_alone
        with pytest.warns(UserWarning, match="refuses token ids: it is sent text"):
            as_text = by_api(fireworks, outputs, tokenizer=tokenizer)
        fireworks.url = url.removesuffix("/v1")
        as_ids = by_api(fireworks, outputs, tokenizer=tokenizer)
    for ours, theirs in zip(as_text, as_ids, strict=True):
        assert [token.exact_match for token in ours] == [token.exact_match for token in theirs]
        assert [token.prob for token in ours] == pytest.approx([token.prob for token in theirs], abs=1e-4)


def test_one_refused_sequence_is_no_refusal_of_ids(fireworks: Any, characters: Any) -> None:
    """A prompt that is too long is an error of its own: the others still go out as ids."""
    honest = fireworks.answer

    def too_long(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if len(body["prompt"]) > 5:
            return 400, {"error": {"message": "too long"}}
        status, answer = honest(path, body)
        return status, answer

    fireworks.answer = too_long
    outputs = [TokenSequence([1], [2]), TokenSequence([1] * 9, [2]), TokenSequence([3], [4]), TokenSequence([5], [6])]
    with pytest.raises(EndpointError, match="too long"):
        by_api(fireworks, outputs, tokenizer=characters)
    assert sum(isinstance(body["prompt"], list) for _, body, _ in fireworks.requests) == 4


async def test_inside_a_running_loop(fireworks: Any) -> None:
    """The synchronous functions work where an event loop is running already."""
    assert by_api(fireworks, SEQUENCES)[2][0].exact_match


@pytest.mark.parametrize(
    ("backend", "given", "words"),
    [
        ("tinker", {}, "^sampling_client is required for tinker backend$"),
        ("fireworks", {}, "^client, model, and tokenizer are required for fireworks backend$"),
        ("fireworks", {"model": "m", "tokenizer": 1}, "^client, model, and tokenizer are required"),
        ("fireworks", {"client": 1, "tokenizer": 1}, "^client, model, and tokenizer are required"),
        ("fireworks", {"client": 1, "model": "m"}, "^client, model, and tokenizer are required"),
        ("vllm", {}, "^Unknown backend: vllm$"),
    ],
)
def test_what_a_backend_needs(backend: Any, given: dict[str, Any], words: str) -> None:
    """The documented ValueErrors, word for word."""
    with pytest.raises(ValueError, match=words):
        verify_outputs_api(SEQUENCES, backend, 100, **GREEDY, **given)


def test_a_sampler_by_name(fireworks: Any) -> None:
    """``sampler`` takes a name; a wrong one is refused before anything is sent."""
    with openai.OpenAI(base_url=f"{fireworks.url}/v1", api_key="x") as client:
        fixed: dict[str, Any] = {"client": client, "model": "m", "tokenizer": 1, "verbose": False}
        drawn: dict[str, Any] = {"temperature": 1.0, "top_k": 2, "top_p": 1.0, "seed": 3}
        with pytest.raises(SamplerError, match="vlm"):
            verify_outputs_api([TokenSequence([1], [2])], "fireworks", 9, **fixed, **drawn, sampler="vlm@0.33")
        assert fireworks.requests == []
        (tokens,) = verify_outputs_api([TokenSequence([1], [2])], "fireworks", 9, **fixed, **drawn, sampler="vllm@0.33")
    assert len(tokens) == 1
