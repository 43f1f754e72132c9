"""How ``make clients`` tries other projects' clients; the clients themselves are no part of these tests."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from token_difr.errors import EndpointError


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    return importlib.import_module("clients")


def test_every_client_has_its_version_and_its_script(clients: Any) -> None:
    """An environment of today is one of next month, as far as what is tried goes."""
    scripts = {path.name for path in clients.CHECKS.glob("with_*.py")}
    assert {client.script for client in clients.CLIENTS.values()} == scripts
    assert all("==" in requirement for client in clients.CLIENTS.values() for requirement in client.requirements)


def test_the_command_line_knows_its_clients(clients: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, or the one that is named; another name is told which there are."""
    assert clients.parse_arguments([]).only is None
    assert clients.parse_arguments(["--only", "lm-eval"]).only == "lm-eval"
    with pytest.raises(SystemExit) as ended:
        clients.parse_arguments(["--only", "curl"])
    assert ended.value.code == 2
    assert "lm-eval" in capsys.readouterr().err


def test_scripts_get_no_secret_and_no_way_out(clients: Any) -> None:
    """Of the caller's environment they see the path alone, and everything but this machine is a closed port."""
    own = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "sk-own",
        "HF_TOKEN": "hf-own",
        "HTTPS_PROXY": "http://proxy",
        "HOME": "/me",
    }
    given = clients.script_variables(own, "http://127.0.0.1:1", "http://127.0.0.1:2", Path("results"), "/scratch")
    assert not set(own.values()) - {"/bin"} & set(given.values())
    assert given["HTTPS_PROXY"] == given["HTTP_PROXY"] == "http://127.0.0.1:9"
    assert (given["PATH"], given["HOME"], given["SERVER_URL"]) == ("/bin", "/scratch", "http://127.0.0.1:1")


def test_an_environment_is_made_once(clients: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And again where something else is to be in it."""
    ran: list[str] = []

    def run(command: list[str]) -> None:
        ran.append(command[-1])
        (tmp_path / "llm").mkdir(exist_ok=True)

    monkeypatch.setattr(clients, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(clients, "run", run)
    for requirement in ("llm==1", "llm==1", "llm==2"):
        assert clients.environment("llm", (requirement,)) == tmp_path / "llm" / "bin" / "python"
    assert ran == [str(tmp_path / "llm"), "llm==1", str(tmp_path / "llm"), "llm==2"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (subprocess.CalledProcessError(1, "uv", stderr="much\nNo matching distribution\n"), "No matching distribution"),
        (subprocess.TimeoutExpired("python", 600), "600 seconds"),
        (FileNotFoundError(2, "No such file", "uv"), "uv"),
    ],
)
def test_a_client_that_cannot_be_tried_has_failed(
    error: Exception, said: str, clients: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line says why, and the others are tried."""

    def run_script(name: str, *_: object) -> list[dict[str, Any]]:
        if name == "llm":
            raise error
        return [{"name": "chat", "failure": None, "told": None}]

    nobody = "http://127.0.0.1:1"
    monkeypatch.setattr(clients, "demo_server", lambda: contextlib.nullcontext((nobody, 0)))
    monkeypatch.setattr(clients, "scripted_models", lambda: contextlib.nullcontext(nobody))
    monkeypatch.setattr(clients, "run_script", run_script)
    first, second = clients.try_clients(["llm", "openai"])
    assert said in first.failure
    assert second.failure is None
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["llm==0.36", "openai==3.57.0"]


def test_the_sum_is_that_of_the_echo(clients: Any, url: str, client: OpenAI) -> None:
    """Our reference's sum, over the likeliest tokens and over others."""
    ids = [731, 279, 1363, 10, 3, 900]
    answer: Any = client.completions.create(model="demo", prompt=ids, max_tokens=1, echo=True, logprobs=1)
    expected = sum(answer.choices[0].logprobs.token_logprobs[2:6])
    windows = [(ids[:2], ids[2:4]), (ids[:4], ids[4:])]
    assert asyncio.run(clients.own_logprob(windows, url)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("told", "holds"), [(-7.00001, True), (-7.001, False), (-6.9, False), (float("nan"), False)])
def test_sums_must_agree(told: float, holds: bool, clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """To 1e-4; one that is no number agrees with nothing."""

    async def own_logprob(*_: object) -> float:
        return -7.0

    monkeypatch.setattr(clients, "own_logprob", own_logprob)
    figures = [{"windows": [], "logprob": -7.0}, {"windows": [], "logprob": told}]
    check = clients.checked("lm-eval", {"name": "sum", "failure": None, "told": figures}, "")
    assert (check.failure is None) == holds
    assert ("FAILED" in clients.row(check)) != holds


def test_a_reference_that_fails_is_a_failure(clients: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and ends nothing; a check that failed by itself is not compared."""

    async def own_logprob(*_: object) -> float:
        raise EndpointError("answered HTTP 400")

    monkeypatch.setattr(clients, "own_logprob", own_logprob)
    result = {"name": "sum", "failure": None, "told": [{"windows": [], "logprob": 0.0}]}
    assert "HTTP 400" in clients.checked("lm-eval", result, "").failure
    assert clients.checked("lm-eval", {**result, "failure": "no text"}, "").failure == "no text"
