"""Retries, ceilings and partial failures."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patience import PATIENCE_SECONDS
from token_difr.errors import AuthenticationError, EndpointError, InputError, LimitError, UnknownModelError
from token_difr.rollouts import Response, RolloutCache, RolloutsClient
from token_difr.rollouts.cache import CACHE_FILE
from token_difr.rollouts.limits import RatePace
from token_difr.testing.faulty_provider import FAULTS, faulty_provider

MakeClient = Callable[..., RolloutsClient]


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (401, "bad key", AuthenticationError),
        (400, "bad request", EndpointError),
        (402, "out of credit", EndpointError),
        (404, "model m not found", UnknownModelError),
    ],
)
def test_what_cannot_succeed_fails_at_once(
    endpoint: Any, make_client: MakeClient, status: int, message: str, error: type[Exception]
) -> None:
    """One request, no retry, and no further sample."""
    endpoint.answer = lambda *_: (status, {"error": {"message": message}})
    with pytest.raises(error, match=message):
        make_client(endpoint.url, max_retries=5, concurrency=1).generate("why?", 4)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "stalled"])
def test_what_may_succeed_is_retried(make_client: MakeClient, fault: str) -> None:
    """Every kind of passing fault is met and got over, by the SDK's retries."""
    with faulty_provider(share=0.4, seed=1, faults=[fault]) as provider:
        drawn = make_client(provider.url, max_retries=8).generate("why?", 6)
    assert provider.met[fault] > 0
    assert drawn.get_texts() == [f"answer {seed} to: why?" for seed in range(6)]


def test_attempts_are_not_multiplied(endpoint: Any, make_client: MakeClient) -> None:
    """``max_retries`` retries and no more."""
    endpoint.answer = lambda *_: (500, {"error": {"message": "broken"}})
    with pytest.raises(EndpointError, match="500"):
        make_client(endpoint.url, max_retries=2).generate("why?")
    assert len(endpoint.requests) == 3


def test_partial_failures_are_named(endpoint: Any, make_client: MakeClient) -> None:
    """What was answered is there, what was not is an error with its seed."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["seed"] == 1:
            return 500, {"error": {"message": "broken"}}
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    drawn = make_client(endpoint.url).generate("why?", 3)
    assert [response.seed for response in drawn] == [0, 2]
    assert [(error.index, error.seed, type(error.error)) for error in drawn.errors] == [(1, 1, EndpointError)]
    assert "HTTP 500" in drawn.errors[0].to_dict()["message"]
    with pytest.raises(EndpointError, match="500"):
        drawn.raise_for_errors()


def test_out_of_credit_keeps_what_came(endpoint: Any, make_client: MakeClient) -> None:
    """An error that all others would meet stops the rest, and loses nothing."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["seed"] >= 2:
            return 402, {"error": {"message": "out of credit"}}
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    drawn = make_client(endpoint.url, concurrency=1).generate("why?", 6)
    assert (len(drawn), len(drawn.errors)) == (2, 4)
    assert len(endpoint.requests) == 3


def test_one_bad_prompt_does_not_stop_the_others(endpoint: Any, make_client: MakeClient) -> None:
    """HTTP 400 is about one prompt."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["messages"][-1]["content"] == "bad":
            return 400, {"error": {"message": "too long"}}
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    good, bad = make_client(endpoint.url, concurrency=1).generate_many(["good", "bad"], 3)
    assert (len(good), len(bad), len(bad.errors)) == (3, 0, 3)
    assert len(endpoint.requests) == 4


def test_time_ceiling(endpoint: Any, make_client: MakeClient) -> None:
    """What is not answered in time is an error that says so."""
    client = make_client(endpoint.url, concurrency=1)
    client.generate("warm")
    over = threading.Event()

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if len(endpoint.requests) > 2:  # all but the first of these samples wait until the call has given up
            over.wait()
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    drawn = client.generate("why?", 8, max_seconds=3)
    over.set()
    assert 1 <= len(drawn) < 8
    assert all(isinstance(error.error, LimitError) for error in drawn.errors)
    assert len(drawn) + len(drawn.errors) == 8


def test_rate_across_loops_and_threads() -> None:
    """One pace for all: two event loops at once take as long as one after the other."""
    pace = RatePace(6000)  # one each 10 ms
    taken: list[float] = []

    async def some() -> None:
        for _ in range(10):
            await pace()
            taken.append(time.monotonic())

    threads = [threading.Thread(target=lambda: asyncio.run(some())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(taken) - min(taken) >= 0.01 * 18  # 20 turns have 19 gaps; a timer may be early by a little


def test_rate_limit_in_two_calls(endpoint: Any, make_client: MakeClient) -> None:
    """The limiter outlives an event loop."""
    client = make_client(endpoint.url, requests_per_minute=60_000)
    assert [len(client.generate(question, 5)) for question in ("a", "b")] == [5, 5]


def test_stalled_connection(make_client: MakeClient) -> None:
    """A provider that never answers is given up after ``timeout``, and named."""
    with (
        faulty_provider(share=1.0, faults=["stalled"], stall_seconds=PATIENCE_SECONDS) as provider,
        pytest.raises(EndpointError),
    ):
        make_client(provider.url, timeout=0.3).generate("why?")


def test_no_key(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key is named by its variable, before anything is sent."""
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENROUTER_API_KEY"):
        make_client("openrouter").generate("why?")


def test_key_is_in_no_error(endpoint: Any, make_client: MakeClient) -> None:
    """A provider that quotes the key is not quoted."""
    endpoint.answer = lambda *_: (401, {"error": {"message": "bad key sk-very-secret"}})
    with pytest.raises(AuthenticationError) as raised:
        make_client(endpoint.url, api_key="sk-very-secret").generate("why?")
    assert "sk-very-secret" not in str(raised.value)


def test_key_is_in_no_traceback(endpoint: Any, make_client: MakeClient) -> None:
    """Nor in the SDK's error that stays its cause."""
    key = f"sk-{1234}-secret"
    endpoint.answer = lambda *_: (400, {"error": {"message": f"bad request by {key}"}})
    with pytest.raises(EndpointError) as raised:
        make_client(endpoint.url, api_key=key).generate("why?")
    assert key not in "".join(traceback.format_exception(raised.value))


def test_a_callback_that_fails(make_client: MakeClient, tmp_path: Path) -> None:
    """Its error is raised as it is, once what was in flight is stored; no more is sent."""
    with faulty_provider(share=0.0, delay_seconds=0.02) as provider:
        client = make_client(provider.url, concurrency=4)

        def fails(_: Response) -> None:
            raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            client.generate("why?", 20, on_response=fails)
        answered = sum(provider.answered.values())
    cache = RolloutCache(tmp_path / "cache")
    assert cache.stats()["answers"] == answered
    assert answered < 20
    cache.close()


@pytest.mark.parametrize("error", [KeyError("x"), TimeoutError("mine")])
def test_a_callback_that_fails_on_cached_samples(endpoint: Any, make_client: MakeClient, error: Exception) -> None:
    """Its own error comes, whatever its type, and whatever there was to ask for."""
    client = make_client(endpoint.url)
    client.generate("why?", 3)

    def fails(_: Response) -> None:
        raise error

    for question in ("why?", "how?"):
        with pytest.raises(type(error)):
            client.generate(question, 3, on_response=fails)


def test_secret_headers_are_masked(endpoint: Any, make_client: MakeClient) -> None:
    """A gateway's key in a header is a key."""
    endpoint.answer = lambda *_: (401, {"error": {"message": "bad key gw-secret-9"}})
    with pytest.raises(AuthenticationError) as raised:
        make_client(endpoint.url, headers={"x-api-key": "gw-secret-9"}).generate("why?")
    assert "gw-secret-9" not in "".join(traceback.format_exception(raised.value)).replace('"gw-secret-9"', "")


def test_moderation_is_about_one_prompt(endpoint: Any, make_client: MakeClient) -> None:
    """The others are still sent."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["messages"][-1]["content"] == "bad":
            return 403, {"error": {"message": "flagged by moderation"}}
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    bad, one, other = make_client(endpoint.url, concurrency=1).generate_many(["bad", "good", "fine"])
    assert (len(bad), len(one), len(other)) == (0, 1, 1)


def test_out_of_credit_inside_http_200(endpoint: Any, make_client: MakeClient) -> None:
    """The status inside counts."""
    endpoint.answer = lambda *_: (200, {"error": {"code": 402, "message": "out of credit"}})
    with pytest.raises(EndpointError, match="out of credit"):
        make_client(endpoint.url, concurrency=1).generate("why?", 20)
    assert len(endpoint.requests) == 1


def test_a_template_that_refuses_the_conversation(endpoint: Any, make_client: MakeClient, characters: Any) -> None:
    """An answer that was paid for is read without it."""

    class Refusing(type(characters)):  # type: ignore[misc]
        def apply_chat_template(self, *_: Any, **__: Any) -> str:
            raise ValueError("no system role")

    endpoint.answer = lambda *_: (200, endpoint.chat("yes", reasoning="hm"))
    assert make_client(endpoint.url, tokenizer=Refusing()).generate("why?")[0].full == "hm</think>yes"


def test_a_cache_in_use_does_not_block_the_loop(endpoint: Any, make_client: MakeClient, tmp_path: Path) -> None:
    """While another process writes, everything else in the loop goes on."""
    make_client(endpoint.url).generate("why?")
    holder = sqlite3.connect(tmp_path / "cache" / CACHE_FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async def work() -> int:
        ticks = 0
        drawing = asyncio.create_task(make_client(endpoint.url).agenerate("why?"))
        for _ in range(20):
            await asyncio.sleep(0.02)
            ticks += 1
        assert not drawing.done()
        holder.execute("ROLLBACK")
        await drawing
        return ticks

    assert asyncio.run(work()) == 20
    holder.close()


def test_responses_are_told_as_they_arrive(endpoint: Any, make_client: MakeClient) -> None:
    """``on_response`` gets each, those of the cache too."""
    client = make_client(endpoint.url)
    client.generate("why?", 2)
    seen: list[tuple[int | None, bool]] = []
    client.generate("why?", 3, on_response=lambda response: seen.append((response.seed, response.cached)))
    assert sorted(seen) == [(0, True), (1, True), (2, False)]
