"""Kind 8: whether a failure is tried again was decided by where it stood."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from token_difr.endpoint import post
from token_difr.errors import EndpointError
from token_difr.services import open_client, read_answer


def ask(url: str, *, retries: int) -> None:
    async def work() -> None:
        async with open_client(url, max_retries=retries) as client:
            await post(client, "/chat/completions", {"messages": [{"content": "x"}]}, model="m")

    asyncio.run(work())


@pytest.mark.parametrize(
    "failure",
    [
        {"choices": []},
        {"choices": [], "error": {"code": 502, "message": "busy"}},
        {"error": {"code": 502, "message": "busy"}},
        {"choices": [{"error": {"code": 502, "message": "busy"}}]},
    ],
    ids=["no choices", "an error beside none", "an error at the top", "an error in a choice"],
)
def test_a_failure_with_status_200(endpoint: Any, failure: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again, wherever it stands."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    left = [failure]
    endpoint.answer = lambda path, body: (200, left.pop()) if left else endpoint.honest(path, body)
    ask(endpoint.url, retries=1)
    assert len(endpoint.requests) == 2


def test_a_time_to_wait_is_told(raw: Any) -> None:
    """In the error, where it is longer than what is waited."""

    async def work() -> str:
        head = b"HTTP/1.1 429 X\r\nretry-after: 300\r\ncontent-length: 17\r\nconnection: close\r\n\r\n"
        async with raw(head + b'{"error": "slow"}') as (url, _), open_client(url, max_retries=0) as client:
            with pytest.raises(EndpointError) as caught:
                await post(client, "/x", {}, model="m")
            return str(caught.value)

    assert "300 s" in asyncio.run(work())


def test_a_page_with_status_200(endpoint: Any) -> None:
    """The error says what it is and what stands in it, not where a parser stopped."""
    endpoint.answer = lambda *_: (200, b"<!DOCTYPE html><title>Sign in</title>")
    with pytest.raises(EndpointError, match=r"a web page, not JSON.*Sign in") as caught:
        ask(endpoint.url, retries=0)
    assert "line 1" not in str(caught.value)


def test_content_in_parts() -> None:
    """A list of texts is a text."""
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert read_answer({"choices": [{"message": {"content": parts}}]}).content == "ab"


def test_an_answer_of_another_model(endpoint: Any, run_cli: Any, command: list[object]) -> None:
    """The report says so."""
    honest = endpoint.honest

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = honest(path, body)
        return status, {**content, "model": "a-smaller-model"}

    endpoint.answer = answer
    code, output, _ = run_cli(*command)
    assert code == 3
    assert "a-smaller-model" in output
