"""Fourteen pitfalls of a client that samples and caches, each as a promise that this one keeps."""

from __future__ import annotations

import asyncio
import importlib.metadata
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import token_difr
from token_difr.errors import AnswerError, AuthenticationError
from token_difr.rollouts import RolloutCache, RolloutsClient
from token_difr.rollouts.answer import Expected, response_of
from token_difr.testing.faulty_provider import FaultyProvider

MakeClient = Callable[..., RolloutsClient]


@pytest.mark.parametrize(
    "changes", [{"stop": "x"}, {"reasoning": {"effort": "low"}}, {"top_k": 40}, {"min_p": 0.1}, {"anything": 1}]
)
def test_1_no_false_cache_hits(provider: FaultyProvider, make_client: MakeClient, changes: dict[str, Any]) -> None:
    """A request that differs in anything is not answered from the cache."""
    client = make_client(provider.url)
    client.generate("why?")
    assert not client.generate("why?", **changes)[0].cached


def test_2_a_bad_key_does_not_hang(endpoint: Any, make_client: MakeClient) -> None:
    """It is an error, after one request."""
    endpoint.answer = lambda *_: (401, {"error": {"message": "no"}})
    with pytest.raises(AuthenticationError):
        make_client(endpoint.url, max_retries=8).generate("why?", 3, concurrency=1)
    assert len(endpoint.requests) == 1


def test_3_an_error_inside_http_200_is_named(endpoint: Any, make_client: MakeClient) -> None:
    """It is not dropped: one of many is in ``errors``."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["seed"] == 0:
            return 200, {"error": {"message": "upstream says no"}}
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    drawn = make_client(endpoint.url).generate("why?", 2)
    assert (len(drawn), "upstream says no" in str(drawn.errors[0].error)) == (1, True)


@pytest.mark.parametrize(
    "content", [b"<html>busy</html>", b"", b'{"choices": [{}]}', b'{"choices": [], "usage": null}']
)
def test_4_an_answer_that_is_none(endpoint: Any, make_client: MakeClient, content: bytes) -> None:
    """Not JSON, or not an answer: a named error, once, and the siblings stay."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return (200, content) if body["seed"] == 0 else endpoint.honest(path, body)

    endpoint.answer = answer
    drawn = make_client(endpoint.url).generate("why?", 3)
    assert [response.seed for response in drawn] == [1, 2]
    assert isinstance(drawn.errors[0].error, AnswerError)


def test_4_usage_that_is_null() -> None:
    """It counts as nothing."""
    response = response_of({"choices": [{"message": {"content": "a"}}], "usage": None}, Expected(), seed=0)
    assert response.usage.total_tokens == 0


def test_5_client_settings_are_not_sent(endpoint: Any, make_client: MakeClient) -> None:
    """Progress bars and caches are none of the provider's business."""
    make_client(endpoint.url).generate("why?", progress_bar=False, use_cache=True, verbose=False)
    assert not {"progress_bar", "use_cache", "verbose", "provider_config", "n_samples"} & set(endpoint.requests[0][1])


def test_6_a_prompt_that_ends_in_the_tag(endpoint: Any, make_client: MakeClient) -> None:
    """It begins an empty thought."""
    make_client(endpoint.url, "deepseek-r1").generate("2+2? <think>")
    assert endpoint.requests[0][1]["messages"][-1] == {"role": "assistant", "content": "<think>"}


def test_7_the_limiter_belongs_to_no_loop(endpoint: Any, make_client: MakeClient) -> None:
    """Two calls in two loops at once share it."""
    client = make_client(endpoint.url, requests_per_minute=30_000)
    threads = [threading.Thread(target=client.generate, args=(question, 10)) for question in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(endpoint.requests) == 20


def test_8_every_setting_can_be_given_for_one_call(
    provider: FaultyProvider, make_client: MakeClient, tmp_path: Path
) -> None:
    """A client without a cache keeps answers where one call asks for it; a rate holds for one call too."""
    client = make_client(provider.url, use_cache=False)
    client.generate("why?", use_cache="json", cache_dir=tmp_path / "one", requests_per_minute=6000)
    assert client.generate("why?", use_cache="sql", cache_dir=tmp_path / "one")[0].cached
    assert client._paces.keys() == {6000}


def test_9_each_answer_is_stored_as_it_arrives(endpoint: Any, make_client: MakeClient, tmp_path: Path) -> None:
    """Those that came before a failure are there; looking for one makes nothing."""
    endpoint.answer = lambda path, body: (
        (402, {"error": {"message": "no credit"}}) if body["seed"] == 2 else endpoint.honest(path, body)
    )
    make_client(endpoint.url, concurrency=1).generate("why?", 5)
    cache = RolloutCache(tmp_path / "cache")
    assert cache.stats()["answers"] == 2
    cache.look_up([b"nothing"]).result()
    assert sorted(file.name for file in (tmp_path / "cache").iterdir() if "-" not in file.name) == ["rollouts.sqlite3"]
    cache.close()


def test_10_cached_responses_are_whole(endpoint: Any, make_client: MakeClient) -> None:
    """They are equal to the first ones in all but ``cached``."""
    endpoint.answer = lambda *_: (200, endpoint.chat("<think>hm</think>yes"))
    client = make_client(endpoint.url)
    first, again = client.generate("why?")[0], client.generate("why?")[0]
    assert first.completed_reasoning is True
    assert again.to_dict() == {**first.to_dict(), "cached": True}


def test_11_clearing_and_exporting_work(provider: FaultyProvider, make_client: MakeClient, tmp_path: Path) -> None:
    """For a model of any name."""
    make_client(provider.url, "org/model").generate("why?")
    cache = RolloutCache(tmp_path / "cache")
    assert cache.export(io.StringIO()) == 1
    assert cache.clear(older_than_days=0) == 1
    cache.close()


def test_12_old_caches_are_read_in_place() -> None:
    """There is no migration that could lose anything: ``tests/rollouts/test_old_caches.py`` reads them untouched."""
    import token_difr.rollouts as package

    assert not [name for name in dir(package) if "migrate" in name]


def test_13_the_version_is_true() -> None:
    """What the package says of itself is what is installed."""
    assert token_difr.__version__ == importlib.metadata.version("token-difr")


def test_14_content_that_is_null(endpoint: Any, make_client: MakeClient) -> None:
    """It is an empty text, with reasoning or without."""
    body = endpoint.chat("", reasoning="hm")
    body["choices"][0]["message"]["content"] = None
    endpoint.answer = lambda *_: (200, body)
    response = asyncio.run(make_client(endpoint.url).agenerate("why?"))[0]
    assert (response.full, response.content, response.reasoning) == ("hm\n</think>\n", "", "hm")
