"""``token-difr ties``: pick, show, audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.server.model.folder import DEMO

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base URL of the demo model."""
    with running(ModelService(ServerSettings(model=DEMO))) as address:
        yield f"{address}/v1"


def test_picked_shown_and_asked(url: str, run_cli: RunCli, tmp_path: Path) -> None:
    """Each verb ends with 0; an audit without a baseline is inconclusive, and its report tells of the ties that fell."""
    ties, run = tmp_path / "ties.json", tmp_path / "run"
    how = ("--tokenizer", "demo", "--max-tokens", 24, "--count", 12, "--quiet")
    assert run_cli("ties", "pick", "--reference", url, "--model", "demo", "--out", ties, *how) == (0, "", "")
    assert (tmp_path / "ties.json.run" / "run.json").exists()

    first = ties.read_bytes()
    fewer = [*(5 if each == 12 else each for each in how), "--run", tmp_path / "other"]
    code, _, error = run_cli("ties", "pick", "--reference", url, "--model", "demo", "--out", ties, *fewer)
    assert code == 2
    assert "holds other ties, and is left as it is" in error
    assert ties.read_bytes() == first

    code, shown, _ = run_cli("ties", "show", ties)
    assert code == 0
    assert "near ties of demo" in shown
    assert "One run: " in shown

    asked = ("ties", "audit", "--ties", ties, "--provider", url, "--model", "demo", "--out", run, "--quiet", "--json")
    code, report, _ = run_cli(*asked)
    assert code == 3
    assert json.loads(report)["summary"]["tokens"] == len(json.loads(ties.read_text())["ties"])

    again = [tmp_path / "again" if each == run else each for each in asked]
    code, report, _ = run_cli(*again, "--baseline", run, "--until", "verdict", "--spread", 2, "--tolerance", 0.1)
    assert code == 3
    near = json.loads(report)["ties"]
    assert (near["fell"], near["sequential"]["stopped"], near["sequential"]["spread"]) == (0, "exhausted", 2)
    assert json.loads(report)["rule"]["tolerance"] == 0.1

    code, _, error = run_cli("decide", tmp_path / "again", "--baseline", run)
    assert code == 2
    assert "was asked until a verdict" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pick", "--gaps", "wide"), "--gaps takes LOW:HIGH"),
        (("pick", "--gaps", "0.5:0.1"), "the smaller first"),
        (("show", "missing.json"), "cannot read the ties in missing.json"),
        (("audit", "--ties", "missing.json"), "cannot read the ties in missing.json"),
        (("audit", "--ties", "missing.json", "--until", "soon"), "--until takes verdict, not 'soon'"),
        (("audit", "--ties", "missing.json", "--tolerance", "2"), "tolerance must lie in (0, 1]"),
    ],
)
def test_bad_input_is_named(url: str, run_cli: RunCli, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """One line, exit code 2, and nothing written."""
    verb = arguments[0]
    more: tuple[object, ...] = ()
    if verb == "pick":
        more = ("--reference", url, "--model", "demo", "--tokenizer", "demo", "--out", tmp_path / "ties.json")
    if verb == "audit":
        more = ("--provider", url, "--model", "demo", "--out", tmp_path / "run")
    code, output, error = run_cli("ties", *arguments, *more)

    assert (code, output) == (2, "")
    assert words in error
    assert list(tmp_path.iterdir()) == []


def test_model_that_answers_nothing_by_itself(tmp_path: Path, run_cli: RunCli) -> None:
    """Ties are picked from a reference's answers: a model that is run here has to be served first."""
    code, _, error = run_cli("ties", "pick", "--reference", "demo", "--model", "demo", "--out", tmp_path / "ties.json")
    assert code == 2
    assert "token-difr serve" in error


@pytest.mark.parametrize("given", [("--ties", "nowhere.json"), ("--ties=nowhere.json",)])
def test_audit_of_ties_is_an_audit(given: tuple[str, ...], tmp_path: Path, run_cli: RunCli) -> None:
    """``audit --ties`` takes what ``ties audit`` takes, wherever the option stands; nothing else becomes it."""
    more = ("--provider", "http://127.0.0.1:9/v1", "--model", "m", "--out", tmp_path / "run")
    for arguments in ((*given, *more), (*more, *given)):
        assert run_cli("audit", *arguments) == run_cli("ties", "audit", *arguments)
    code, _, error = run_cli("collect", *given, *more)
    assert (code, "No such option" in error) == (2, True)
