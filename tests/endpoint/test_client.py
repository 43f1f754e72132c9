"""URLs, keys and headers: what goes out, and to whom."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from token_difr.endpoint import open_client, public_url, shown_url, tag_headers
from token_difr.errors import InputError


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("https://openrouter.ai/api/v1/", "https://openrouter.ai/api/v1"),
        ("https://user:secret@host/v1?key=secret#secret", "https://host/v1"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_public_url(url: str, public: str) -> None:
    """A URL is stored with its path, and without anything that may be a secret."""
    assert public_url(url) == public


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://host", "http://", "user:secret@host"])
def test_no_url(url: str) -> None:
    """Anything but an http(s) URL is refused, without its user-info."""
    with pytest.raises(InputError, match="not an http or https URL") as caught:
        public_url(url)
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
