"""What an endpoint may do to its client: so many bytes and seconds, no other host, no proxy on the way to this machine."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from token_difr.endpoint import post, stops_everything
from token_difr.endpoint.proxies import proxy_of, shown_proxy
from token_difr.errors import AnswerError, EndpointError, EndpointUnreachableError, InputError
from token_difr.services import listed_prices, open_client

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
KEY = "sk-abcDEF123456"
Parts = Callable[[], Iterator[bytes]]


@contextlib.asynccontextmanager
async def answering(parts: Parts) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The URL of a server that writes ``parts`` to everybody, and the heads of the requests that came."""
    seen: list[bytes] = []
    gone = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            for part in parts():
                writer.write(part)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
        finally:
            if seen:
                await gone.wait()


def asked(parts: Parts, *, prices: bool = False, **options: Any) -> list[bytes]:
    """The heads of the requests that one question led to."""

    async def work() -> list[bytes]:
        async with answering(parts) as (url, seen):
            async with open_client(url, api_key=KEY, max_retries=1, **options) as client:
                if prices:
                    await listed_prices(client, "m")
                else:
                    await post(client, "/chat/completions", {"messages": []}, model="m")
            return seen

    return asyncio.run(work())


def zeros(compressed: bool) -> Iterator[bytes]:
    """An answer of a gigabyte of spaces."""
    block = b" " * 10**6
    if not compressed:
        yield HEAD + b"connection: close\r\n\r\n"
        yield from (block for _ in range(1000))
        return
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    yield HEAD + b"content-encoding: gzip\r\nconnection: close\r\n\r\n"
    yield compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    again = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)  # depends on nothing before it
    yield from (again for _ in range(999))


@pytest.fixture
def traced() -> Iterator[Callable[[], float]]:
    """Megabytes that were held at most since the test began."""
    asked(lambda: iter([HEAD + b"content-length: 2\r\n\r\n{}"]))  # what is imported is no answer's
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("prices", [True, False])
def test_answers_without_an_end(compressed: bool, prices: bool, traced: Callable[[], float]) -> None:
    """Reading ends at the limit, and what was read is all that is held; it is not tried again."""
    with pytest.raises(EndpointError, match=r"more than 8 MB, and was not read to its end.*--max-answer-mb"):
        asked(lambda: zeros(compressed), prices=prices, max_answer_mb=8)
    assert traced() < 15


def test_a_length_beyond_the_limit() -> None:
    """Nothing of the body is read."""

    def parts() -> Iterator[bytes]:
        yield HEAD + b"content-length: 1000000001\r\n\r\n"

    with pytest.raises(EndpointError, match="more than 64 MB"):
        asked(parts)


def test_many_large_answers_at_once(traced: Callable[[], float]) -> None:
    """Beyond the usual size answers are read one at a time, and errors hold none: their sum is bounded too."""

    async def work() -> list[object]:
        async with (
            answering(lambda: zeros(compressed=False)) as (url, _),
            open_client(url, max_retries=0, max_answer_mb=16) as client,
        ):
            found: list[object] = await asyncio.gather(
                *(post(client, "/x", {}, model="m") for _ in range(6)), return_exceptions=True
            )
            return found

    errors = asyncio.run(work())
    assert all(isinstance(each, EndpointError) for each in errors)
    assert traced() < 6 * 2 + 25


@pytest.mark.parametrize("status", [b"200 OK", b"500 X"])
def test_errors_hold_no_answers(status: bytes, traced: Callable[[], float]) -> None:
    """Neither one that is no JSON nor the page of a failure, however long."""

    def parts() -> Iterator[bytes]:
        yield b"HTTP/1.1 " + status + b"\r\nx-should-retry: false\r\ncontent-length: 6000000\r\n\r\n"
        yield from (b"x" * 10**6 for _ in range(6))

    errors = []
    for _ in range(3):
        with pytest.raises(EndpointError) as caught:
            asked(parts)
        errors.append(caught.value)
    del caught
    gc.collect()
    assert traced() < 60
    assert tracemalloc.get_traced_memory()[0] < 5e6


def test_compressed_answers() -> None:
    """They are read as before."""
    content = gzip.compress(b'{"choices": [{}]}')
    asked(lambda: iter([HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(content) + content]))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("there", ["http://127.0.0.1:9/v2", "https://user:pw@host.example/v1?key=1", "/elsewhere"])
def test_redirects(status: int, there: str) -> None:
    """None is followed, to whatever host: the error names the new place, and nothing was sent there."""
    seen: list[bytes] = []

    def parts() -> Iterator[bytes]:
        seen.append(b"")
        yield b"HTTP/1.1 %d X\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % (status, there.encode())

    with pytest.raises(EndpointError, match=f"HTTP {status} redirects to ") as caught:
        asked(parts)
    place = {"/elsewhere": "/elsewhere, where"}.get(there, there.replace("user:pw@", "").partition("?")[0])
    assert place in str(caught.value)
    assert "pw" not in str(caught.value)
    assert stops_everything(caught.value)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        (b"200 OK", b"<!DOCTYPE html><title>Just a moment</title><p>Checking\x1b[2J", "a web page, not JSON.*Just a moment: Check"),
        (b"200 OK", b"<html><body>Sign <b>in</b></body></html>", "a web page, not JSON; .* says: Sign in"),
        (b"200 OK", b"upstream timed out", "not JSON; it begins: upstream timed out"),
        (b"200 OK", b"", "nothing, which is not JSON"),
        (b"400 X", b"<html><head><title>400 Bad</title></head><body>no</body>", "HTTP 400: a web page: 400 Bad: no"),
        (b"429 X\r\nretry-after: 300", b'{"error": "slow"}', r"HTTP 429: slow \(it asks to wait 300 s"),
        (b"429 X\r\nretry-after: Wed, 21 Oct 2026 07:28:00 GMT\r\nx-should-retry: false", b"{}", "wait until Wed, 21 Oct"),
        (b"200 OK", b'{"choices": [], "usage": null}', "HTTP 200 with an error inside .HTTP 502.: the answer has no choices"),
        (b"200 OK", b'{"choices": [{"error": {"code": 400, "message": "no"}}]}', "inside .HTTP 400.: no"),
        (b"200 OK", b'{"choices": [{"error": {"code": 429, "message": "busy"}}]}', "inside .HTTP 429.: busy"),
    ],
)  # fmt: skip
def test_what_an_error_says(head: bytes, body: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came in its place, and how long to wait: on one printable line."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    answer = b"HTTP/1.1 " + head + b"\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body
    with pytest.raises(EndpointError, match=words) as caught:
        asked(lambda: iter([answer]))
    assert str(caught.value).isprintable()
    assert isinstance(caught.value, AnswerError) == head.startswith(b"200")


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the environment's proxies, all others being unset."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def set_proxies(**urls: str) -> None:
        for name, url in urls.items():
            monkeypatch.setenv(name, url)

    return set_proxies


@pytest.mark.parametrize("name", [*PROXIES[:3], *map(str.upper, PROXIES[:3])])
def test_this_machine_is_reached_without_a_proxy(name: str, proxies: Callable[..., None]) -> None:
    """A proxy cannot reach it."""
    proxies(**{name: "http://127.0.0.1:9"})
    asked(lambda: iter([HEAD + b"content-length: 17\r\n\r\n" + b'{"choices": [{}]}']))


def test_errors_name_the_proxy(proxies: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that cannot be reached, and the one that answers in the endpoint's place; without its password."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)

    async def ask() -> None:
        async with open_client("http://host.example", max_retries=0) as client:
            await post(client, "/x", {}, model="m")

    proxies(HTTP_PROXY="http://me:secret@127.0.0.1:9")
    with pytest.raises(
        EndpointUnreachableError, match=r"through the proxy http://127\.0\.0\.1:9, which the env"
    ) as caught:
        asyncio.run(ask())
    assert "secret" not in str(caught.value)

    async def through() -> None:
        answer = b"HTTP/1.1 403 X\r\ncontent-length: 7\r\nconnection: close\r\n\r\nblocked"
        async with answering(lambda: iter([answer])) as (url, _):
            proxies(HTTP_PROXY=url)
            await ask()

    with pytest.raises(
        EndpointError, match=r"host\.example/v1 \(through the proxy http://127\.0\.0\.1:\d+\) .*403.*blocked"
    ):
        asyncio.run(through())


@pytest.mark.parametrize("proxy", ["ftp://host", "nonsense://me:secret@host", "http://[::1"])
def test_proxies_that_are_none(proxy: str, proxies: Callable[..., None]) -> None:
    """They are an error of the environment, which names them."""
    proxies(ALL_PROXY=proxy)
    with pytest.raises(InputError, match="cannot use the proxy") as caught:
        open_client("http://host.example")
    assert "secret" not in str(caught.value)


def test_which_proxy(proxies: Callable[..., None]) -> None:
    """That of the scheme, else that of all; none where ``NO_PROXY`` says so."""
    proxies(HTTPS_PROXY="http://a:1", ALL_PROXY="b:2", NO_PROXY="inner.example")
    hosts = (
        "https://host",
        "http://host",
        "http://inner.example",
        "https://x.inner.example",
        "http://[::1]",
        "http://localhost",
    )
    assert [proxy_of(urlsplit(host)) for host in hosts] == ["http://a:1", "http://b:2", None, None, None, None]
    assert shown_proxy("http://me:pw@a:1") == "http://a:1"


@pytest.mark.parametrize(
    ("name", "value"),
    [("bad name", "x"), ("", "x"), ("a:b", "x"), ("na\u00efve", "x"), ("x\r\ny", "x"), ("X", "a\nb"), ("X", "\u00e9"),
     ("Content-Length", "5"), ("transfer-encoding", "chunked")],
)  # fmt: skip
def test_headers_that_cannot_be_sent(name: str, value: str) -> None:
    """They are refused before anything is sent, without their value."""
    with pytest.raises(InputError) as caught:
        open_client("http://host", headers={name: value})
    assert str(caught.value).isprintable()
