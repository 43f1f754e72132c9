"""Every way in which an endpoint fails has one error of ours, on one line, without the key."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Callable

import httpx2
import openai
import pytest

from token_difr.endpoint import answer_body, endpoint_error, stops_everything
from token_difr.errors import (
    AnswerError,
    AuthenticationError,
    EndpointError,
    EndpointUnreachableError,
    InputError,
    TokenDifrError,
    UnknownModelError,
)
from token_difr.services import open_client

KEY = "sk-1234567890"
Answer = Callable[[httpx2.Request], httpx2.Response]


def fails_as(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> TokenDifrError:
    monkeypatch.setenv("MY_KEY", KEY)

    async def ask() -> TokenDifrError:
        transport = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        async with open_client("http://host", key_variable="MY_KEY", max_retries=0, http_client=transport) as client:
            try:
                await client.completions.with_raw_response.create(model="my-model", prompt=[1])
            except openai.OpenAIError as error:
                translated = endpoint_error(error, client=client, model="my-model")
                translated.__cause__ = error
                return translated
        raise AssertionError("nothing was raised")

    return asyncio.run(ask())


def status(code: int, body: object) -> Answer:
    return lambda _: httpx2.Response(code, json=body)


@pytest.mark.parametrize(
    ("code", "body", "kind", "words", "stops"),
    [
        (401, {"error": {"message": f"wrong key {KEY}"}}, AuthenticationError, "wrong key [key]", True),
        (403, {"error": "no"}, AuthenticationError, "HTTP 403", True),
        (404, {"error": {"message": "gone", "code": "model_not_found"}}, UnknownModelError, "'my-model'", True),
        (404, {"message": "The model `my-model` does not exist."}, UnknownModelError, "does not exist", True),
        (400, {"error": {"message": "x is not a valid model ID"}}, UnknownModelError, "valid model ID", True),
        (404, {"error": {"message": "No endpoints found for my-model."}}, UnknownModelError, "my-model", True),
        (403, {"error": {"message": "your input was flagged"}}, EndpointError, "HTTP 403: your input", False),
        (404, {"detail": "Not Found"}, EndpointError, "is the base URL right?", False),
        (400, {"error": {"message": "prompt too long"}}, EndpointError, "HTTP 400: prompt too long", False),
        (402, {"error": {"message": "out of credit"}}, EndpointError, "HTTP 402: out of credit", True),
        (500, "oops", EndpointError, "HTTP 500", False),
        (429, {"error": {"message": "slow\x1b[31m\ndown"}}, EndpointError, "slow [31m down", False),
    ],
)
def test_status(  # noqa: PLR0917  # fixtures
    code: int, body: object, kind: type[EndpointError], words: str, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An HTTP status becomes the fitting error, with the endpoint's own words."""
    error = fails_as(status(code, body), monkeypatch)
    assert type(error) is kind
    assert words in str(error)
    assert "http://host/v1" in str(error)
    assert KEY not in str(error)
    assert str(error).isprintable()
    assert stops_everything(error) is stops


@pytest.mark.parametrize(
    ("raised", "stops"),
    [
        (httpx2.ConnectError("refused"), True),
        (httpx2.ConnectTimeout("slow"), True),
        (httpx2.ReadTimeout("slow"), False),
        (httpx2.RemoteProtocolError("broken off"), False),
    ],
)
def test_unreachable(raised: Exception, stops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection means no answer to any request; a connection that breaks concerns one."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        raise raised

    error = fails_as(answer, monkeypatch)
    assert type(error) is EndpointUnreachableError
    assert stops_everything(error) is stops


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}\r\nx: y"])
def test_key_that_is_no_header(key: str) -> None:
    """A client whose key is refused by its own transport: nothing that quotes the key, in message or traceback."""

    async def ask(port: int) -> TokenDifrError:
        url = f"http://127.0.0.1:{port}"
        async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0) as client:
            try:
                await client.completions.with_raw_response.create(model="m", prompt=[1])
            except openai.OpenAIError as error:
                translated = endpoint_error(error, client=client, model="m")
                translated.__cause__ = error
                return translated
        raise AssertionError("nothing was raised")

    # The transport looks at headers only once it is connected.
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = asyncio.run(ask(server.getsockname()[1]))
    assert isinstance(error, InputError)
    assert stops_everything(error)
    assert KEY not in "".join(traceback.format_exception(error))


def test_other_errors_stop() -> None:
    """What is no endpoint's fault ends the work."""
    assert stops_everything(InputError("x"))
    assert not stops_everything(AnswerError("x"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"choices": [', "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 99999, "not JSON"),
        (b"[1]", "a JSON list"),
        (b'{"x": ' + b"[" * 600 + b"]" * 600 + b"}", "nested more than 100 levels deep"),
        (b'{"error": ' + b"[" * 600 + b"]" * 600 + b"}", "nested more than 100 levels deep"),
        (b'{"x": ' + b"[" * 3000 + b"]" * 3000 + b"}", "not JSON|nested more than"),
        (b'{"error": {"message": "overloaded"}}', "HTTP 200 with an error inside: overloaded"),
    ],
)
def test_answers_that_are_none(content: bytes, words: str) -> None:
    """An answer with status 200 that is broken, or holds an error, is named."""
    with pytest.raises(AnswerError, match=words):
        answer_body(content, client=open_client("http://host"))
