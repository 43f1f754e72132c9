"""A run directory is removed, and nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from decided_runs import decided
from token_difr.errors import RunDirectoryError
from token_difr.run import RunDirectory
from token_difr.run.layout import MANIFEST
from token_difr.run.removing import remove_run

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was judged."""
    return decided(tmp_path_factory.mktemp("removing") / "run", 0, tokenizer="demo")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it, beside a file."""
    (tmp_path / "beside").touch()
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_a_run_is_removed(run: Path, run_cli: RunCli) -> None:
    """Said to be, with what it was; what lies beside it stays."""
    shutil.copytree(run, run.parent / "other")
    (run / ".run.json.unfinished").touch()
    (run / "verdict.json").touch()
    code, output, errors = run_cli("runs", "rm", run, run.parent / "other", run, "--yes")
    assert (code, output) == (0, "")
    assert errors.count("removed ") == 2
    assert "30 prompts of m at http://p/v1" in errors
    assert [file.name for file in run.parent.iterdir()] == ["beside"]


def another_file(run: Path) -> None:
    """Of the user's own."""
    (run / "notes.txt").touch()


def a_folder(run: Path) -> None:
    """In it."""
    (run / "scores.npz").unlink()
    (run / "scores.npz").mkdir()


def a_link(run: Path) -> None:
    """To a file elsewhere."""
    (run / "report.json").unlink()
    (run / "report.json").symlink_to(run.parent / "beside")


def no_manifest(run: Path) -> None:
    """It may be anything."""
    (run / MANIFEST).unlink()


def another_manifest(run: Path) -> None:
    """A file of this name that another tool wrote."""
    (run / MANIFEST).write_text('{"name": "run"}')


def linked(run: Path) -> None:
    """The path is a link to a run."""
    run.rename(run.parent / "target")
    run.symlink_to(run.parent / "target")


def a_file(run: Path) -> None:
    """And no folder."""
    shutil.rmtree(run)
    run.touch()


def nothing(run: Path) -> None:
    """At that place."""
    shutil.rmtree(run)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (another_file, "'notes.txt' in it is no file of a run"),
        (a_folder, "'scores.npz' in it is a link or a folder"),
        (a_link, "'report.json' in it is a link or a folder"),
        (no_manifest, "not a run directory"),
        (another_manifest, "damaged"),
        (linked, "is a link"),
        (a_file, "not a run directory"),
        (nothing, "not a run directory"),
    ],
)
def test_what_is_no_run_is_left(run: Path, change: Callable[[Path], None], word: str, run_cli: RunCli) -> None:
    """As is every other run that was named with it."""
    shutil.copytree(run, run.parent / "whole")
    change(run)
    before = sorted(run.parent.rglob("*"))
    code, _, errors = run_cli("runs", "rm", run.parent / "whole", run, "--yes")
    assert (code, word in errors) == (2, True), errors
    assert sorted(run.parent.rglob("*")) == before


def test_a_run_in_use_is_left(run: Path) -> None:
    """Until nobody works on it."""
    before = sorted(run.iterdir())
    with RunDirectory.resume(run), pytest.raises(RunDirectoryError, match="in use"):
        remove_run(run)
    assert sorted(run.iterdir()) == before
    remove_run(run)
    assert not run.exists()


def test_one_that_breaks_off_half_way(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is still a run directory, and can be removed."""
    unlink = Path.unlink

    def failing(path: Path, missing_ok: bool = False) -> None:
        if path.name == "sequences.jsonl":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", failing)
        with pytest.raises(RunDirectoryError, match=r"cannot remove .*sequences\.jsonl"):
            remove_run(run)
    assert not (run / "report.json").exists()
    remove_run(run)
    assert not run.exists()


def test_it_is_asked_first(run: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; elsewhere nothing is removed without --yes."""
    code, _, errors = run_cli("runs", "rm", run)
    assert (code, "give --yes" in errors, run.exists()) == (2, True, True)
    monkeypatch.setattr("token_difr.cli.runs.sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    code, _, errors = run_cli("runs", "rm", run)
    assert (code, "nothing was removed" in errors, run.exists()) == (2, True, True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    assert run_cli("runs", "rm", run)[0] == 0
    assert not run.exists()


def test_runs_are_listed(run: Path, run_cli: RunCli) -> None:
    """With how far they went; damaged ones among them."""
    shutil.copytree(run, run.parent / "many" / "deep" / "er")
    shutil.move(run, run.parent / "many" / "run")
    (run.parent / "many" / "broken").mkdir()
    (run.parent / "many" / "broken" / MANIFEST).write_text("{}")
    code, output, _ = run_cli("runs", "list", run.parent / "many")
    assert code == 0
    said = " ".join(output.split())
    for word in ("deep/er", "30 of 30", "inconclusive", "damaged"):
        assert word in said
    (run.parent / "empty").mkdir()
    assert run_cli("runs", "list", run.parent / "empty")[0] == 2
