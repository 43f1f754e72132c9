"""``token-difr rollouts`` on the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from token_difr.cli import main
from token_difr.testing.faulty_provider import FaultyProvider

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> RunCli:
    """Runs the command line in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exited:
            main(["rollouts", *(str(argument) for argument in arguments)])
        assert isinstance(exited.value.code, int)
        return exited.value.code, *capsys.readouterr()

    return run


def sample(url: str, folder: Path, *more: object) -> list[object]:
    return ["sample", "why?", "--model", "m", "--provider", url, "--cache-dir", folder, "--quiet", *more]


def test_sample(provider: FaultyProvider, run_cli: RunCli, tmp_path: Path) -> None:
    """A line of JSON a sample; the same again comes from the cache."""
    for cached in (False, True):
        code, output, _ = run_cli(*sample(provider.url, tmp_path, "-n", 4))
        rows = [json.loads(line) for line in output.splitlines()]
        assert code == 0
        assert {row["full"] for row in rows} == {f"answer {seed} to: why?" for seed in range(4)}
        assert [row["cached"] for row in rows] == [cached] * 4


def test_prompt_from_standard_input(
    provider: FaultyProvider, run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dash reads it."""
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe"))
    arguments = sample(provider.url, tmp_path)
    arguments[1] = "-"
    _, output, _ = run_cli(*arguments)
    assert json.loads(output)["full"] == "answer 0 to: from a pipe"


def test_failed_samples(endpoint: Any, run_cli: RunCli, tmp_path: Path) -> None:
    """What failed is named on standard error, and the exit code says so; what came is there."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["seed"] == 1:
            return 500, {"error": {"message": "broken"}}
        status, content = endpoint.honest(path, body)
        return status, content

    endpoint.answer = answer
    code, output, errors = run_cli(*sample(endpoint.url, tmp_path, "-n", 3, "--max-retries", 0))
    assert code == 2
    assert len(output.splitlines()) == 2
    assert "sample 1 failed" in errors


def test_cache_verbs(provider: FaultyProvider, run_cli: RunCli, tmp_path: Path) -> None:
    """Stats, export and clear; what was paid for is deleted only on a word."""
    run_cli(*sample(provider.url, tmp_path, "-n", 2))
    where = ["--cache-dir", tmp_path]
    code, output, _ = run_cli("cache", "stats", *where)
    assert (code, json.loads(output)["answers"]) == (0, 2)
    _, output, _ = run_cli("cache", "export", *where)
    assert len(output.splitlines()) == 2
    run_cli("cache", "export", *where, "--out", tmp_path / "all.jsonl")
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 2
    code, _, errors = run_cli("cache", "clear", *where, "--yes", "--model", "m")
    assert code == 0
    assert "2 answers deleted" in errors


def test_clear_asks_first(
    provider: FaultyProvider, run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer is no."""
    run_cli(*sample(provider.url, tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, _, _ = run_cli("cache", "clear", "--cache-dir", tmp_path)
    assert code != 0
    assert json.loads(run_cli("cache", "stats", "--cache-dir", tmp_path)[1])["answers"] == 1


def test_bad_input(run_cli: RunCli, tmp_path: Path) -> None:
    """One line that says what is wrong, and exit code 2."""
    code, output, errors = run_cli("cache", "stats", "--cache-dir", tmp_path / "none")
    assert (code, output) == (2, "")
    assert "there is no cache" in errors
    code, _, errors = run_cli(*sample("nobody", tmp_path))
    assert code == 2
    assert "no service is called 'nobody'" in errors
