"""A run says by which rule it was to be judged before it began."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from decided_runs import decided
from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, Response, Rule
from token_difr.run import RunDirectory
from token_difr.run.manifest import sealed
from token_difr.run.verifying import verify_run


def test_the_rule_that_stood_before_the_first_answer(tmp_path: Path) -> None:
    """Stays, whatever rule judges; one that judges otherwise is named by the report and by the check. Nothing paid for is lost."""
    prompts = [[{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}]]
    stated = Rule(level=0.05)
    with RunDirectory.create(tmp_path / "run", prompts, Audit(), rule=Rule(level=0.02)):
        pass
    with RunDirectory.create(tmp_path / "run", prompts, Audit(), rule=stated) as run:  # nothing was asked: put right
        assert run.rule == stated
        run.keep_response(Response(index=0, content="an answer"))
    for later in (Rule(), stated, None):
        with RunDirectory.create(tmp_path / "run", prompts, Audit(), rule=later) as run:
            assert run.rule == stated
            assert len(run.responses()) == 1
    with RunDirectory.resume(tmp_path / "run") as run:
        assert run.rule == stated
    with RunDirectory.create(tmp_path / "unstated", prompts, Audit()) as run:
        run.keep_response(Response(index=0, content="an answer"))
    with RunDirectory.create(tmp_path / "unstated", prompts, Audit(), rule=stated) as run:
        assert run.rule is None  # too late


@pytest.mark.parametrize("value", [{"level": 2}, {"level": "a"}, {"unknown": 1}, [], "0.01", {"permutations": None}])
def test_a_rule_that_is_none_is_damage(tmp_path: Path, value: object) -> None:
    """It is told as that, by whoever reads the directory."""
    with RunDirectory.create(tmp_path / "run", [[{"role": "user", "content": "a"}]], Audit(), rule=Rule()):
        pass
    file = tmp_path / "run" / "run.json"
    values = {name: each for name, each in json.loads(file.read_text()).items() if name != "sha256"}
    file.write_text(json.dumps(sealed({**values, "rule": value})))
    with pytest.raises(RunDirectoryError, match=r"run\.json is damaged"):
        RunDirectory.read(tmp_path / "run")


@pytest.mark.parametrize(
    ("stated", "judged", "held"),
    [
        (Rule(), None, True),
        (Rule(level=0.05), Rule(level=0.05), True),
        (Rule(level=0.05), Rule(), False),
        (Rule(), Rule(seed=7), False),
        (Rule(), Rule(tolerance=0.1, most_left_out=0.5), False),
        (None, Rule(level=0.05), None),
    ],
)
def test_another_rule_than_was_stated_is_named(
    tmp_path: Path, stated: Rule | None, judged: Rule | None, held: bool | None
) -> None:
    """By the report, as a warning, and by the check; where none was stated nobody can say."""
    run = decided(tmp_path / "run", 0, stated=stated, judged=judged)
    checks = {check.name: check for check in verify_run(run)}
    assert (checks["rule"].held if "rule" in checks else None) is held
    assert ("is not stated" in checks["report"].text) is (stated is None)
    with RunDirectory.read(run) as directory:
        report = directory.report()
    assert report is not None
    warned = [found for found in report.findings if found.name == "changed_rule"]
    assert len(warned) == (held is False)
    for found in warned:
        assert found.level == "warning"
        assert found.text == checks["rule"].text


def test_a_rule_that_is_hidden_shows(tmp_path: Path, run_cli: Callable[..., tuple[int, str, str]]) -> None:
    """A report from which the warning was taken fails the check all the same; and decide by the stated rule mends it."""
    run = decided(tmp_path / "run", 0, stated=Rule(), tokenizer="demo")
    code, output, _ = run_cli("decide", run, "--level", "0.2")
    assert "stated was 0.01" in " ".join(output.split())
    file = run / "report.json"
    values = {name: each for name, each in json.loads(file.read_text()).items() if name != "sha256"}
    file.write_text(json.dumps(sealed({**values, "findings": []})))
    code, output, _ = run_cli("verify-run", run)
    assert code == 2
    assert "another rule than was stated" in " ".join(output.split())
    run_cli("decide", run)
    assert {check.name: check.held for check in verify_run(run)}["rule"] is True
