"""Kind 1: derived data that outlive what they were made from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from token_difr.records import TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.layout import MANIFEST, REPORT

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def finished(run_cli: RunCli, command: list[object], tmp_path: Path) -> Path:
    """A finished audit at a temperature above 0."""
    assert run_cli(*command, "--temperature", 1, "--seeds", "1,2", "--no-preflight")[0] == 3
    return tmp_path / "run"


def test_another_sampler_and_then_the_report(finished: Path, run_cli: RunCli) -> None:
    """The verdict on the old scores is not shown."""
    assert run_cli("score", finished, "--sampler", "vllm@0.33")[0] == 0
    code, output, error = run_cli("report", finished)
    assert (code, output) == (2, "")
    assert "token-difr decide" in error


def test_other_answers_in_a_finished_run(finished: Path, run_cli: RunCli) -> None:
    """An honest verdict is not shown on another model's answers."""
    with RunDirectory.resume(finished) as run:
        run.keep_response(replace(run.responses()[1], content="what rounded weights say"))
        run.keep_sequences({1: TokenSequence([9, 8, 7], [1, 2])})
        run.keep_rows(1, TopKBatch.from_rows([[(1, -0.5)], [(3, -0.5)]], [1, 2], prompt_lengths=[3]))
    assert run_cli("report", finished)[:2] == (2, "")


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"inconclusive"', '"divergent"', 1),
        lambda text: text.replace("baseline", "no worse than the baseline", 1),
        lambda text: text[: len(text) // 2],
        lambda _: "null",
    ],
    ids=["another verdict", "another reason", "half of it", "nothing"],
)
def test_a_report_that_was_edited_or_damaged(finished: Path, run_cli: RunCli, edit: Callable[[str], str]) -> None:
    """It is not believed, there is no error of Python's, and the scores give it anew."""
    (finished / REPORT).write_text(edit((finished / REPORT).read_text()))
    code, output, error = run_cli("report", finished)
    assert (code, output) == (2, "")
    assert "TypeError" not in error
    assert run_cli("decide", finished)[0] == 3
    assert run_cli("report", finished)[0] == 3


def test_a_damaged_manifest_has_a_way_out(finished: Path, run_cli: RunCli) -> None:
    """It is made anew from the records that are there."""
    (finished / MANIFEST).write_text('{"form')
    code, _, error = run_cli("report", finished)
    assert code == 2
    assert "token-difr repair" in error
    assert run_cli("repair", finished)[0] == 0
    assert run_cli("report", finished)[0] == 3


def test_a_manifest_with_another_temperature(finished: Path, run_cli: RunCli) -> None:
    """One digit is noticed, and nothing is judged."""
    manifest: dict[str, Any] = json.loads((finished / MANIFEST).read_text())
    text = json.dumps(manifest).replace('"temperature": 1.0', '"temperature": 1.1')
    assert text != json.dumps(manifest)
    (finished / MANIFEST).write_text(text)
    assert run_cli("decide", finished)[:2] == (2, "")
    assert run_cli("report", finished)[:2] == (2, "")
