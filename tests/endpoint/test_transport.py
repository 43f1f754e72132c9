"""What is retried beneath the SDK's surface: answers that break off, and errors inside an answer with status 200."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest

from token_difr.endpoint.transport import breaks_off, true_status
from token_difr.services import open_client


def ask(endpoint: Any, *, retries: int = 1, **options: Any) -> bytes:
    async def work() -> bytes:
        async with open_client(endpoint.url, max_retries=retries, **options) as client:
            answer = await client.post("/chat/completions", body={"messages": []}, cast_to=httpx2.Response)
            return answer.content

    return asyncio.run(work())


def then_honest(endpoint: Any, first: Any, status: int = 200) -> None:
    """Let ``endpoint`` answer ``first`` once, and well afterwards."""
    answers = iter([(status, first)])
    endpoint.answer = lambda *_: next(answers, (200, {"choices": []}))


@pytest.mark.parametrize(
    "first", [b'{"choices": [', b'{"cho', {"error": {"code": 502, "message": "x"}}, {"error": {"code": 429}}]
)
def test_retried(endpoint: Any, first: Any) -> None:
    """What may succeed at the next attempt gets one."""
    then_honest(endpoint, first)
    assert json.loads(ask(endpoint)) == {"choices": []}
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    "first",
    [{"error": {"code": "400"}}, {"error": "text"}, b"[]", b"no JSON", {"choices": [], "error": 1}],
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
        (b'{"error": {"code": "503"}}', 200),
        (b'{"error": {"code": 402}}', 402),
        (b'{"error": {"code": 7}}', 200),
        (b'{"error": {"code": true}}', 200),
        (b'["error"]', 200),
        (b'{"error"', 200),
        (b'{"error": {"code": 503}, "x": "' + b"y" * 5000 + b'"}', 200),
    ],
)
def test_true_status(content: bytes, status: int) -> None:
    """Only an error with a status of its own has one."""
    assert true_status(content) == status


def test_breaks_off() -> None:
    """An object without an end, and nothing else."""
    assert breaks_off(b'{"a": 1')
    assert breaks_off(b' \n{"a": 1')
    assert not breaks_off(b'{"a": 1} \n')
    assert not breaks_off(b"<html>")
    assert not breaks_off(b"")
