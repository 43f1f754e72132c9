"""Keys and header values that an endpoint echoes stay on no path: files, caches, output, errors, tracebacks."""

from __future__ import annotations

import asyncio
import base64
import json
import string
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from token_difr import cli
from token_difr.compat.openrouter import generate_openrouter_responses
from token_difr.errors import TokenDifrError
from token_difr.probes import aprobe
from token_difr.reference import open_reference
from token_difr.report import FORMS, render
from token_difr.rollouts import RolloutCache, RolloutsClient
from token_difr.run.audit import aaudit
from token_difr.services import listed_prices, open_client

CHARACTERS = string.ascii_letters + string.digits + "-_./+="
KEYS = st.text(CHARACTERS, min_size=16, max_size=60).filter(
    lambda key: len(set(key)) > 9 and any(each.isdigit() for each in key) and any(each.isalpha() for each in key)
)
PROMPTS: list[list[dict[str, Any]]] = [[{"role": "user", "content": f"question {n}"}] for n in range(2)]
PART = 12
"""Characters in a row of a secret that must not be left anywhere."""


def spellings(key: str) -> list[str]:
    """What an endpoint may make of a key."""
    basic = base64.b64encode(f"me:{key}".encode()).decode()
    return [key, f"Bearer {key}", json.dumps(key), quote(key, safe=""), basic, key.encode().hex()]


def parts_of(key: str) -> set[str]:
    """What would show it: its parts, and those of its spellings that hold nothing else."""
    whole = [key, quote(key, safe=""), key.encode().hex()]
    return {each[i : i + PART] for each in whole for i in range(len(each) - PART + 1)}


def echoing(endpoint: Any, secrets: list[str], status: int) -> None:
    """Let ``endpoint`` write all secrets, in all spellings, in every place of its answers."""
    echoes = [spelled for secret in secrets for spelled in spellings(secret)]

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if status != 200:
            elided = [f"{secret[:6]}...{secret[-4:]}" for secret in secrets]
            return status, {"error": {"message": " | ".join([*elided, *echoes]), "param": echoes}}
        if path.endswith("/completions") and "prompt" in body:
            return 200, {**endpoint.honest(path, body)[1], "debug": echoes}
        return 200, {
            **endpoint.chat(f"you sent {' '.join(echoes)}"),
            "debug": {"headers": echoes},
            "provider": echoes[0],
        }

    endpoint.answer = answer


async def audited(url: str, key: str, header: str, folder: Path) -> list[str]:
    """The reports of an audit."""
    async with open_client(url, api_key=key, headers={"X-Extra": header}, max_retries=0) as client:
        judge = open_reference("vllm", client, "m")
        run = await aaudit(
            PROMPTS, provider=client, model="m", reference=judge, tokenizer="demo", out=folder / "run", progress=False
        )
        return [render(run.report, form) for form in FORMS]


async def rolled(url: str, key: str, header: str, folder: Path) -> list[str]:
    """Samples, and what the cache has of them."""
    how: dict[str, Any] = {"api_key": key, "headers": {"X-Extra": header}, "max_retries": 0, "progress_bar": False}
    with RolloutsClient("m", provider=f"{url}/v1", cache_dir=folder / "cache", **how) as client:
        drawn = await client.agenerate("why?", 2)
    with (folder / "export").open("w", encoding="utf-8") as file:
        RolloutCache(folder / "cache").export(file)
    responses, errors = [each.to_dict() for each in drawn.responses], [each.to_dict() for each in drawn.errors]
    return [json.dumps([*responses, *errors]), repr(client.config)]


async def probed(url: str, key: str, header: str, _: Path) -> list[str]:
    """A probe."""
    async with open_client(url, api_key=key, headers={"X-Extra": header}, max_retries=0) as client:
        return [
            repr(
                await aprobe(
                    provider=client, model="m", reference=url, tokenizer="demo", prompts=PROMPTS, progress=False
                )
            )
        ]


async def priced(url: str, key: str, header: str, _: Path) -> list[str]:
    """Listed prices, which are none."""
    async with open_client(url, api_key=key, headers={"X-Extra": header}, max_retries=0) as client:
        return [repr(await listed_prices(client, "m"))]


async def as_in_0_1(url: str, key: str, header: str, _: Path) -> list[str]:
    """The SDK's own objects."""
    async with open_client(url, api_key=key, headers={"X-Extra": header}, max_retries=0) as client:
        return [repr(await generate_openrouter_responses(client, PROMPTS, "m", None))]


PATHS = (audited, rolled, probed, priced, as_in_0_1)


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("path", PATHS)
@settings(phases=[Phase.generate], suppress_health_check=list(HealthCheck), max_examples=2)
@given(key=KEYS, header=KEYS)
def test_no_echo_is_kept(path: Callable[..., Any], status: int, endpoint: Any, key: str, header: str) -> None:
    """Neither in what is given back, nor in any file, nor in the whole traceback of what is raised."""
    echoing(endpoint, [key, header], status)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            shown = asyncio.run(path(endpoint.url, key, header, folder))
        except TokenDifrError as error:
            shown = ["".join(traceback.format_exception(error)), str(error)]
        kept = [file.read_bytes().decode("utf-8", "replace") for file in folder.rglob("*") if file.is_file()]
    for text in (*shown, *kept):
        assert [part for secret in (key, header) for part in parts_of(secret) if part in text] == []


def test_the_command_line_shows_none(
    endpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Key and header of the environment, echoed in whole and in part: nothing of them, with the traceback too."""
    key, header = "sk-abcDEF123456ghi", "words that are secret"
    monkeypatch.setenv("MY_KEY", key)
    monkeypatch.setenv("MY_HEADER", header)
    monkeypatch.setenv("TOKEN_DIFR_DEBUG", "1")
    monkeypatch.chdir(tmp_path)
    Path("prompts.txt").write_text("why?\n")
    endpoint.answer = lambda *_: (401, {"error": {"message": f"wrong: {key[:7]}****{key[-4:]}, {key}, {header}"}})
    secrets = ["--provider-key-env", "MY_KEY", "--provider-header-env", "X-Extra=MY_HEADER"]
    asked = ["--provider", endpoint.url, "--model", "m", "--prompts", "prompts.txt", "--out", "run"]
    with pytest.raises(SystemExit) as left:
        cli.main(["collect", *asked, *secrets])
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert endpoint.requests[0][2]["x-extra"] == header
    assert "wrong: [key], [key], [key]" in err
    assert not [part for part in (key[:7], key[-4:], key, header) if part in out + err]
