"""URLs, keys and headers: what goes out, and to whom."""

from __future__ import annotations

import asyncio
import contextlib

import httpx2
import openai
import pytest

from token_difr.endpoint import public_url, shown_url, tag_headers
from token_difr.errors import InputError
from token_difr.services import open_client


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1"),
        ("https://user:secret@host/v1", "https://host/v1"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_public_url(url: str, public: str) -> None:
    """A URL is stored with its path, and without anything that may be a secret."""
    assert public_url(url) == public


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://host",
        "http://",
        "user:secret@host",
        "ftp://host?key=secret",
        "http://[::1",
        "http://secret@[::1",
        "http://host:99999",
        "http://host:port",
        "http://ho\x1bst",
        "http://ho\nst",
        "http://ho st",
    ],
)
def test_no_url(url: str) -> None:
    """Anything but an http(s) URL is refused, without its user-info."""
    for function in (public_url, open_client):
        with pytest.raises(InputError, match="not an http or https URL") as caught:
            function(url)
        assert "secret" not in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", ["https://host/v1?key=secret", "https://secret@host/v1#secret"])
def test_url_with_more_than_a_path(url: str) -> None:
    """A query or a fragment, which would be lost or break every request, is refused with where a key goes."""
    for function in (public_url, open_client):
        with pytest.raises(InputError, match=r"https://host/v1 was given with .*--provider-key-env") as caught:
            function(url)
        assert "secret" not in str(caught.value)


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key goes to the host it belongs to, or where it is named; a server without keys gets none."""
    for name in ("OPENAI_API_KEY", "OPENROUTER_API_KEY", "MY_KEY"):
        monkeypatch.setenv(name, f"value of {name}")
    assert open_client("https://api.openai.com/v1").api_key == "value of OPENAI_API_KEY"
    assert open_client("https://openrouter.ai/api/v1").api_key == "value of OPENROUTER_API_KEY"
    assert open_client("https://host/v1", key_variable="MY_KEY").api_key == "value of MY_KEY"
    for url in ("http://127.0.0.1:8000", "http://host:8000", "https://localhost", "https://[::1]"):
        assert open_client(url).api_key == "EMPTY"


def test_missing_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is needed and there is none, the message names the variable or the option."""
    monkeypatch.delenv("FIREWORKS_API_KEY", raising=False)
    with pytest.raises(InputError, match=r"FIREWORKS_API_KEY.*api\.fireworks\.ai.*not set"):
        open_client("https://api.fireworks.ai/inference/v1")
    with pytest.raises(InputError, match=r"no key for host\.example: .*--provider-key-env"):
        open_client("https://host.example/v1")


@pytest.mark.parametrize("key", ["secret\r", " secret\n", "secret\r\n"])
def test_key_of_a_file_with_other_line_ends(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """White space around a key, as a .env file leaves it, is not sent."""
    monkeypatch.setenv("MY_KEY", key)
    assert open_client("http://host", key_variable="MY_KEY").api_key == "secret"


@pytest.mark.parametrize("key", ["sec\nret", "secr\u00e9t", "secret\x7f", "\u201csecret\u201d"])
def test_key_that_cannot_be_sent(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that no header can hold is refused by its variable's name alone."""
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(InputError, match="MY_KEY holds characters that no key has") as caught:
        open_client("http://host", key_variable="MY_KEY")
    assert "sec" not in str(caught.value)


def test_white_space_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of white space counts as not set."""
    monkeypatch.setenv("MY_KEY", " \r\n")
    with pytest.raises(InputError, match=r"MY_KEY.*not set"):
        open_client("http://host", key_variable="MY_KEY")


def test_answer_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for an answer is that for the whole of it, also where every part comes soon after the one before."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()

    async def ask() -> None:
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with open_client(f"http://127.0.0.1:{port}", timeout_seconds=0.3, max_retries=0) as client:
                with pytest.raises(openai.APITimeoutError):
                    await client.completions.with_raw_response.create(model="m", prompt=[1])
            await gone.wait()  # else the loop closes under the server's own connection

    asyncio.run(ask())


def test_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote endpoint learns neither the user's OpenAI organization nor that a request belongs to an audit."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={})

    async def ask(url: str) -> None:
        transport = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        async with open_client(url, http_client=transport) as client:
            await client.completions.with_raw_response.create(
                model="m", prompt=[1], extra_headers=tag_headers(client, "collect-0")
            )

    asyncio.run(ask("http://host.example"))
    asyncio.run(ask("http://127.0.0.1:1"))
    names = {name.lower() for request in seen for name in request.headers}
    assert not names & {"openai-organization", "openai-project"}
    assert [request.headers.get("x-request-tag") for request in seen] == [None, "collect-0"]


def test_shown_url() -> None:
    """Messages show a client's URL without user-info."""
    assert shown_url(open_client("http://user:secret@127.0.0.1:1")) == "http://127.0.0.1:1/v1"
