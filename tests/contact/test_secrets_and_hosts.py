"""Kind 4: secrets, and other hosts than the one that was named."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from token_difr.endpoint import post
from token_difr.errors import EndpointError, EndpointUnreachableError
from token_difr.rollouts import RolloutsClient
from token_difr.services import open_client

KEY = "sk-abcDEF123456ghi789"


@pytest.mark.parametrize("status", [302, 307, 308])
def test_redirects_to_other_hosts(raw: Any, status: int) -> None:
    """They are not followed, no header travels, and the error names the new place."""

    async def ask() -> tuple[str, list[bytes]]:
        async with raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as (other, came):
            head = f"HTTP/1.1 {status} X\r\nlocation: {other}/v1\r\ncontent-length: 0\r\n\r\n"
            async with raw(head.encode()) as (url, _):
                async with open_client(url, headers={"X-Extra": "a secret"}, max_retries=0) as client:
                    with pytest.raises(EndpointError) as caught:
                        await post(client, "/x", {}, model="m")
                return f"{caught.value} {other}", came

    said, came = asyncio.run(ask())
    assert said.count(said.split()[-1]) == 2
    assert came == []


def test_a_key_in_the_place_of_a_variables_name(run_cli: Any, command: list[object]) -> None:
    """It is not printed."""
    code, output, error = run_cli(*command, "--provider-key-env", KEY)
    assert code == 2
    assert KEY[:8] not in output + error


SPELLED = {
    "the key": KEY,
    "its bearer": f"Bearer {KEY}",
    "base64": base64.b64encode(f"user:{KEY}".encode()).decode(),
}


@pytest.mark.parametrize("echo", SPELLED.values(), ids=SPELLED)
def test_an_answer_that_echoes_the_key(  # noqa: PLR0917  # fixtures
    endpoint: Any, run_cli: Any, command: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, echo: str
) -> None:
    """It reaches neither the run's files nor the terminal, nor a cache."""
    monkeypatch.setenv("MY_KEY", KEY)
    honest = endpoint.honest
    endpoint.answer = lambda path, body: (200, endpoint.chat(echo)) if "chat" in path else honest(path, body)
    _, output, error = run_cli(*command, "--provider-key-env", "MY_KEY")
    with RolloutsClient(
        "m", provider=endpoint.url, api_key=KEY, cache_dir=tmp_path / "cache", progress_bar=False
    ) as client:
        output += str(client.generate("why?").responses)
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()).decode(errors="replace")
    encoded = base64.b64encode(f"user:{KEY}".encode()).decode()
    assert [part for part in (KEY, encoded, KEY[:12], KEY[-12:]) if part in kept + output + error] == []
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    assert (tmp_path / "run").stat().st_mode & 0o077 == 0


def test_a_refusal_that_shows_a_part_of_the_key(
    endpoint: Any, run_cli: Any, command: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginning and end are masked too."""
    monkeypatch.setenv("MY_KEY", KEY)
    refusal = {"error": {"message": f"wrong key: {KEY[:7]}...{KEY[-4:]}"}}
    endpoint.answer = lambda path, body: (401, refusal) if "chat" in path else endpoint.honest(path, body)
    code, output, error = run_cli(*command, "--provider-key-env", "MY_KEY")
    assert code == 2
    assert [part for part in (KEY[:7], KEY[-4:]) if part in output + error] == []


def test_values_of_headers_from_the_environment(
    endpoint: Any, run_cli: Any, command: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They need not stand among the arguments, which every user of the machine can read."""
    monkeypatch.setenv("MY_HEADER", "for the provider alone")
    assert run_cli(*command, "--provider-header-env", "X-Extra=MY_HEADER")[0] == 3
    sent = [headers.get("x-extra") for path, _, headers in endpoint.requests if "chat" in path]
    assert set(sent) == {"for the provider alone"}


def test_a_proxy_of_the_environment(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no part in what stays on this machine, and an error elsewhere names it in place of the URL."""
    for name in ("no_proxy", "NO_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def ask(url: str) -> None:
        async with open_client(url, max_retries=0) as client:
            await post(client, "/chat/completions", {"messages": [{"content": "x"}]}, model="m")

    asyncio.run(ask(endpoint.url))
    with pytest.raises(EndpointUnreachableError, match=r"through the proxy http://127\.0\.0\.1:9"):
        asyncio.run(ask("http://host.example"))
