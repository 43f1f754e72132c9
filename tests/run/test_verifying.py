"""Is a run what its report says? Whatever was changed since is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from decided_runs import decided
from tie_providers import SET, Provider, never, one_in
from token_difr.page import page_of
from token_difr.records import TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.manifest import sealed
from token_difr.run.verifying import verify_run
from token_difr.sequences import load_tokenizer
from token_difr.testing.loopback import serving
from token_difr.ties import audit_ties
from token_difr.ties.asking import Way

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a baseline, and a divergent run beside it."""
    folder = tmp_path_factory.mktemp("verified")
    decided(folder / "run", 3, decided(folder / "baseline", 0))
    return folder


def found(path: Path, baseline: Path | None = None) -> dict[str, bool | None]:
    """What held, by name."""
    return {check.name: check.held for check in verify_run(path, baseline, load_tokenizer("demo"))}


def test_an_untouched_run_holds(made: Path, run_cli: RunCli) -> None:
    """All of it; and nothing is written."""
    before = {file: file.read_bytes() for file in (made / "run").iterdir()}
    assert set(found(made / "run").values()) == {True}
    assert {file: file.read_bytes() for file in (made / "run").iterdir()} == before
    code, output, _ = run_cli("verify-run", made / "run")
    assert code == 3  # the record names no tokenizer: findings are not made anew
    assert "divergent, the same in every figure" in " ".join(output.split())


def edited_row(run: Path) -> None:
    """Another logprob, whose checksum is made to fit."""
    with RunDirectory.resume(run) as directory:
        rows = directory.rows()[4]
        directory.keep_rows(4, TopKBatch.concatenate([rows]))
        arrays = [rows.logprobs.copy(), rows.token_ids.copy()]
        arrays[0][1] = -9.0
        directory.keep_rows(
            4,
            TopKBatch(
                indptr=rows.indptr,
                token_ids=arrays[1],
                logprobs=arrays[0],
                claimed=rows.claimed,
                sequence_indptr=rows.sequence_indptr,
                prompt_lengths=rows.prompt_lengths,
            ),
        )


def resealed(run: Path, **changes: Any) -> None:
    """Another report, whose checksum is made to fit."""
    file = run / "report.json"
    values = {name: value for name, value in json.loads(file.read_text()).items() if name != "sha256"}
    for name, value in changes.items():
        *parts, last = name.split("__")
        place = values
        for part in parts:
            place = place[part]
        place[last] = value
    file.write_text(json.dumps(sealed(values)))


def edited_verdict(run: Path) -> None:
    """Another verdict."""
    resealed(run, verdict="consistent")


def made_of_ties(run: Path) -> None:
    """A verdict about near ties that nobody asked for."""
    ties = {"asked": 1, "fell": 0, "honest": [], "strata": [], "sequential": None, "curve": None, "kind": None}
    resealed(run, verdict="consistent", ties={**ties, "likelihoods": {}})


def without_findings(run: Path) -> None:
    """No warning at all."""
    resealed(run, findings=[])


def of_another_baseline(run: Path) -> None:
    """The same scores, of somebody else."""
    resealed(run, provenance__baseline__provider="https://api.openai.com/v1")


def edited_report(run: Path) -> None:
    """A figure, and nothing else."""
    file = run / "report.json"
    file.write_text(file.read_text().replace('"divergent"', '"consistent"', 1))


def damaged_line(run: Path) -> None:
    """A letter of an answer."""
    file = run / "responses.jsonl"
    file.write_bytes(file.read_bytes().replace(b"an answer", b"no answer", 1))


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (edited_row, "scores"),
        (edited_verdict, "decision"),
        (made_of_ties, "decision"),
        (without_findings, "findings"),
        (of_another_baseline, "baseline"),
        (edited_report, "report"),
        (damaged_line, "answers"),
    ],
)
def test_what_was_changed_is_named(
    made: Path, tmp_path: Path, change: Callable[[Path], None], failed: str, run_cli: RunCli
) -> None:
    """Even where whoever did it made the checksums fit."""
    run = tmp_path / "run"
    shutil.copytree(made / "run", run)
    change(run)
    assert found(run)[failed] is False
    if failed != "findings":
        code, output, _ = run_cli("verify-run", run)
        assert code == 2
        assert "FAILED" in output


def test_a_baseline_that_moved(made: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """Is not looked at until its place is given; another one is told from it."""
    shutil.copytree(made / "baseline", tmp_path / "moved")
    shutil.copytree(made / "run", tmp_path / "run")
    resealed(tmp_path / "run", provenance__baseline__path=str(tmp_path / "gone"))
    assert found(tmp_path / "run")["baseline"] is None
    assert run_cli("verify-run", tmp_path / "run")[0] == 3
    assert set(found(tmp_path / "run", tmp_path / "moved").values()) == {True}
    for nowhere in ("a" * 5000, "a\0b"):
        resealed(tmp_path / "run", provenance__baseline__path=nowhere)
        assert found(tmp_path / "run")["baseline"] is None
        assert "<!doctype html>" in page_of(tmp_path / "run")
    other = decided(tmp_path / "other", 1)
    assert found(tmp_path / "run", other)["baseline"] is False


def test_runs_without_a_report_and_of_ties(made: Path, tmp_path: Path) -> None:
    """Nothing to compare with is said; of ties the figures are compared."""
    shutil.copytree(made / "baseline", tmp_path / "run")
    (tmp_path / "run" / "report.json").unlink()
    assert found(tmp_path / "run")["report"] is None
    with serving(Provider(never)) as url:
        how = {"model": "m", "way": Way.CHAT, "progress": False}
        honest = audit_ties(SET, provider=f"{url}/v1", out=tmp_path / "honest", **how).path  # type: ignore[arg-type]
    with serving(Provider(one_in(2))) as url:
        out = tmp_path / "ties"
        audit_ties(SET, provider=f"{url}/v1", out=out, baseline=honest, until_verdict=True, **how)  # type: ignore[arg-type]
    assert {name for name, held in found(out).items() if held is not True} == {"decision"}
    assert found(out)["decision"] is None
    assert found(out)["rule"] is True
    resealed(out, summary__tokens=7)
    assert found(out)["decision"] is False


def test_a_rule_of_somebody_else_is_bounded(made: Path, tmp_path: Path) -> None:
    """A report may ask for as many deals as it likes: they are not made."""
    shutil.copytree(made / "run", tmp_path / "run")
    resealed(tmp_path / "run", rule__permutations=10**15, rule__most_permutations=10**15)
    assert found(tmp_path / "run")["decision"] is None


def test_a_baseline_for_nothing(made: Path) -> None:
    """Is said not to be looked at; a damaged line whose record came anew is no loss."""
    assert found(made / "baseline", made / "run")["baseline"] is None
