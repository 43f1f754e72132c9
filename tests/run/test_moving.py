"""A reference that died half way and came back under another URL."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from token_difr.cli import main
from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import RunDirectoryError
from token_difr.records import Judged
from token_difr.run.manifest import read_manifest
from token_difr.run.moving import move_reference


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the command line in this process: exit code and standard error."""

    def run(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exited:
            main([str(argument) for argument in arguments])
        assert isinstance(exited.value.code, int)
        return exited.value.code, capsys.readouterr().err

    return run


def test_an_audit_goes_on_with_its_reference_elsewhere(
    start_endpoint: Any, run_cli: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    """Another URL is refused, and the error says how to go on; then only the rows that lack are asked for, of the new one."""
    provider, died, back = start_endpoint(), start_endpoint(), start_endpoint()
    prompts, run = tmp_path / "prompts.jsonl", tmp_path / "run"
    prompts.write_text("".join(json.dumps(f"question {n}") + "\n" for n in range(4)))
    spared = iter(range(2))
    died.answer = lambda path, body: died.honest(path, body) if next(spared, None) is not None else (500, {})
    sides = ("--provider", provider.url, "--model", "m", "--tokenizer", "demo", "--topk-logprobs", 2)
    audit = (
        "audit",
        *sides,
        "--prompts",
        prompts,
        "--out",
        run,
        "--max-retries",
        0,
        "--concurrency",
        1,
        "--no-preflight",
    )

    assert run_cli(*audit, "--reference", died.url)[0] == 2
    code, error = run_cli(*audit, "--reference", back.url)
    assert (code, "--reference-moved" in error) == (2, True)
    moved = ("reference", run, "--reference", back.url, "--topk-logprobs", 2, "--reference-moved", "--quiet")
    assert run_cli(*moved)[0] == 0
    assert len(back.requests) == 2
    assert run_cli(*audit, "--reference", back.url)[0] == 3
    assert len(back.requests) == 2
    made_for = [json.loads(line) for line in (run / "rows.jsonl").read_text().splitlines() if '"made_for"' in line]
    assert [each["made_for"]["judged"]["reference"] for each in made_for] == [f"{each.url}/v1" for each in (died, back)]


def test_a_model_that_lies_elsewhere(endpoint: Any, run_cli: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A model that was run here has its path for a name: at another path it goes on where that is said."""
    prompts, run, other = tmp_path / "prompts.jsonl", tmp_path / "run", tmp_path / "other"
    prompts.write_text('"q"\n')
    other.symlink_to(MODEL_FOLDER)
    assert run_cli("collect", "--provider", endpoint.url, "--model", "m", "--prompts", prompts, "--out", run)[0] == 0
    assert run_cli("tokenize", run, "--tokenizer", "demo")[0] == 0
    assert run_cli("reference", run, "--reference", "demo")[0] == 0
    code, error = run_cli("reference", run, "--reference", other)
    assert (code, "--reference-moved" in error) == (2, True)
    assert run_cli("reference", run, "--reference", other, "--reference-moved")[0] == 0
    judged = read_manifest(run).audit.judged
    assert judged is not None
    assert (judged.reference, judged.model) == (None, str(other))


def test_what_is_not_moved(endpoint: Any, run_cli: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Another model at the new URL stays another audit; a run without a reference stays as it is."""
    prompts, run = tmp_path / "prompts.jsonl", tmp_path / "run"
    prompts.write_text('"q"\n')
    assert run_cli("collect", "--provider", endpoint.url, "--model", "m", "--prompts", prompts, "--out", run)[0] == 0
    before = read_manifest(run)
    judged = Judged(reference="http://elsewhere/v1", model="m", dialect="vllm", topk_logprobs=2)
    move_reference(run, judged)
    assert read_manifest(run) == before
    assert run_cli("tokenize", run, "--tokenizer", "demo")[0] == 0
    asked = ("reference", run, "--topk-logprobs", 2, "--reference", endpoint.url)
    assert run_cli(*asked)[0] == 0
    kept = read_manifest(run)
    with pytest.raises(RunDirectoryError, match=r"judged\.model"):
        move_reference(run, replace(judged, model="other"))
    code, error = run_cli(*asked, "--reference-model", "other", "--reference-moved")
    assert (code, "judged.model" in error) == (2, True)
    assert read_manifest(run) == kept
