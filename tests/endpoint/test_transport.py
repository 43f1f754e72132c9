"""What is retried beneath the SDK's surface: answers that break off, and errors inside an answer with status 200."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest

from token_difr.endpoint.inside import breaks_off, failure_inside
from token_difr.services import open_client


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's retries come at once."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)


def ask(endpoint: Any, *, retries: int = 1, **options: Any) -> bytes:
    async def work() -> bytes:
        async with open_client(endpoint.url, max_retries=retries, **options) as client:
            answer = await client.post("/chat/completions", body={"messages": []}, cast_to=httpx2.Response)
            return answer.content

    return asyncio.run(work())


def then_honest(endpoint: Any, first: Any, status: int = 200) -> None:
    """Let ``endpoint`` answer ``first`` once, and well afterwards."""
    answers = iter([(status, first)])
    endpoint.answer = lambda *_: next(answers, (200, {"choices": [{}]}))


@pytest.mark.parametrize(
    "first",
    [
        b'{"choices": [',
        b'{"cho',
        {"error": {"code": 502, "message": "x"}},
        {"error": {"code": 429}},
        {"error": {"status": 503}, "choices": [{"message": {"content": "y" * 9000}}]},
        {"choices": [{"error": {"code": 502, "message": "x"}, "message": {"content": ""}}]},
        {"choices": [{"finish_reason": "error", "message": {"content": "half"}}]},
        {"choices": []},
        {"choices": None, "usage": None},
    ],
)
def test_retried(endpoint: Any, first: Any) -> None:
    """What may succeed at the next attempt gets one."""
    then_honest(endpoint, first)
    assert json.loads(ask(endpoint)) == {"choices": [{}]}
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    "first",
    [{"error": {"code": "400"}}, {"error": "text"}, b"[]", b"no JSON", {"choices": [], "error": 1}, {"data": []}],
)
def test_not_retried(endpoint: Any, first: Any) -> None:
    """What would come again is left to whoever reads the answer."""
    then_honest(endpoint, first)
    ask(endpoint)
    assert len(endpoint.requests) == 1


def test_an_error_that_no_retry_mends(endpoint: Any) -> None:
    """It has the status that stands inside."""
    then_honest(endpoint, {"error": {"code": 402, "message": "out of credit"}})
    with pytest.raises(openai.APIStatusError, match="out of credit") as raised:
        ask(endpoint)
    assert (raised.value.status_code, len(endpoint.requests)) == (402, 1)


def test_answer_that_breaks_off_for_good(endpoint: Any) -> None:
    """After the retries it is a connection error that says so."""
    endpoint.answer = lambda *_: (200, b'{"choices": [')
    with pytest.raises(openai.APIConnectionError) as raised:
        ask(endpoint)
    assert "breaks off" in str(raised.value.__cause__)
    assert len(endpoint.requests) == 2


def test_every_attempt_is_paced(endpoint: Any) -> None:
    """Retries wait for their turn like first attempts."""
    turns = []

    async def pace() -> None:
        turns.append(1)

    then_honest(endpoint, {"error": "busy"}, 503)
    ask(endpoint, pace=pace)
    assert len(turns) == 2


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"error": {"code": 503}}', 503),
        (b'{"error": {"code": "503"}}', None),
        (b'{"error": {"code": 402}}', 402),
        (b'{"error": {"code": 7}}', None),
        (b'{"error": {"code": true}}', None),
        (b'["error"]', None),
        (b'{"error"', None),
        (b'{"error": ' + b"[" * 2000 + b"]" * 2000 + b"}", None),
        (b'{"error": {"code": 503}, "x": "' + b"y" * 10**6 + b'"}', None),
        (b'{"choices": [{"error": {"code": 400}}]}', 400),
        (b'{"choices": [{"message": {"content": "\\"error\\": {}"}}]}', None),
        (b'{"choices" : [ ], "error": null}', 502),
    ],
)
def test_status_of_the_failure_inside(content: bytes, status: int | None) -> None:
    """Only an error with a status of its own has one, wherever it stands; so has an answer without choices."""
    failure = failure_inside(content)
    assert (None if failure is None else failure.status) == status


def test_breaks_off() -> None:
    """An object without an end, and nothing else."""
    assert breaks_off(b'{"a": 1')
    assert breaks_off(b' \n{"a": 1')
    assert not breaks_off(b'{"a": 1} \n')
    assert not breaks_off(b"<html>")
    assert not breaks_off(b"")
