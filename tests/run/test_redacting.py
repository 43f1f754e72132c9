"""A run without its texts: nothing to read is left in it, and it is checked like the run that it was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from decided_runs import decided
from token_difr.errors import RunDirectoryError
from token_difr.records import Judged, Rule
from token_difr.run import RunDirectory
from token_difr.run.baseline import baseline_of
from token_difr.run.deciding import decide_run
from token_difr.run.journal import from_line, to_line
from token_difr.run.moving import move_reference
from token_difr.run.redacting import redact_run
from token_difr.run.stages import score_run
from token_difr.run.verifying import verify_run
from token_difr.sequences import load_tokenizer

RunCli = Callable[..., tuple[int, str, str]]
NOT_LOOKED_AT = {"texts", "findings"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that holds the word "secret" wherever text can stand, one that it was compared with, and both redacted."""
    folder = tmp_path_factory.mktemp("redacted")
    decided(
        folder / "run",
        3,
        decided(folder / "baseline", 0, word="Secret"),
        word="Secret",
        stated=Rule(),
        tokenizer="demo",
    )
    for name in ("run", "baseline"):
        redact_run(folder / name, folder / f"{name}-redacted")
    return folder


def held(path: Path, baseline: Path | None = None) -> dict[str, bool | None]:
    """What held, by name."""
    return {check.name: check.held for check in verify_run(path, baseline, load_tokenizer("demo"))}


def test_no_text_is_left(made: Path) -> None:
    """In no file, in no form; what the run holds is the same as before, and the copy is its owner's alone."""
    for file in (made / "run").iterdir():
        text = file.read_bytes().lower()
        assert (b"secret" in text) is (file.suffix != ".npz" and file.name not in {"rows.jsonl", "lock"}), file.name
    redacted = list((made / "run-redacted").iterdir())
    assert len(redacted) == 7
    for file in redacted:
        assert b"secret" not in file.read_bytes().lower(), file.name
        assert file.stat().st_mode & 0o077 == 0
    for name in ("rows.jsonl", "scores.npz"):
        assert (made / "run-redacted" / name).read_bytes() == (made / "run" / name).read_bytes()


def test_it_is_scored_and_judged_anew(made: Path) -> None:
    """All that does not rest on texts holds as before, beside a baseline with its texts or without; what was taken out is said."""
    for baseline in (None, made / "baseline", made / "baseline-redacted"):
        checks = held(made / "run-redacted", baseline)
        assert {name for name, value in checks.items() if value is not True} == NOT_LOOKED_AT
        assert {checks[name] for name in NOT_LOOKED_AT} == {None}
    whole = held(made / "run", made / "baseline-redacted")
    assert whole["baseline"]
    assert whole["decision"]


def test_the_verdict_is_the_same(made: Path, run_cli: RunCli) -> None:
    """Figure by figure; findings keep their names and numbers."""
    reports = []
    for name in ("run", "run-redacted"):
        code, output, _ = run_cli("report", made / name, "--json")
        assert code == 1
        reports.append(json.loads(output))
    whole, without = reports
    for part in ("verdict", "reason", "rule", "summary", "comparison", "provenance"):
        assert whole[part] == without[part]
    assert [found["name"] for found in without["findings"]] == [found["name"] for found in whole["findings"]] + [
        "redacted"
    ]
    assert without["partings"] == []


@pytest.mark.parametrize("form", ["terminal", "json", "markdown", "junit", "html"])
def test_a_report_without_texts(made: Path, run_cli: RunCli, form: str) -> None:
    """In every form, of the run itself and of the copy; the run is not touched."""
    before = {file: file.read_bytes() for file in (made / "run").iterdir()}
    for arguments in ((made / "run", "--redact"), (made / "run-redacted",)):
        code, output, errors = run_cli("report", *arguments, "--format", form)
        assert code == 1
        assert "secret" not in (output + errors).lower()
    assert {file: file.read_bytes() for file in (made / "run").iterdir()} == before


def test_twice_is_once(made: Path, tmp_path: Path) -> None:
    """What has no texts is taken as it is; and the same run gives the same bytes."""
    redact_run(made / "run-redacted", tmp_path / "twice")
    redact_run(made / "run", tmp_path / "again")
    for file in (made / "run-redacted").iterdir():
        for copy in ("twice", "again"):
            assert (tmp_path / copy / file.name).read_bytes() == file.read_bytes()


def other_digest(run: Path) -> None:
    """One of the prompts."""
    file = run / "prompts.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[1], *lines[1:]]))


def fewer_prompts(run: Path) -> None:
    """The last one is gone."""
    file = run / "prompts.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


def own_texts(run: Path) -> None:
    """Lines of the run itself, with the texts in them."""
    shutil.copy(run.parent / "whole" / "responses.jsonl", run / "responses.jsonl")


def other_checksum(run: Path) -> None:
    """Of an answer, as it was."""
    file = run / "responses.jsonl"
    record = json.loads(file.read_text().splitlines()[3])
    file.write_text(file.read_text().replace(str(record["redacted"]["crc32"]), "1"))


def other_ids(run: Path) -> None:
    """Of a token sequence."""
    file = run / "sequences.jsonl"
    file.write_text(file.read_text().replace('"output_token_ids":[0,1,', '"output_token_ids":[1,1,'))


def forged_ids(run: Path) -> None:
    """Of a token sequence, with a checksum that fits: nothing but the rows tells."""
    file = run / "sequences.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    record, _ = from_line(lines[-2])
    lines[-2] = to_line({**record, "output_token_ids": [1, *record["output_token_ids"][1:]]})[0]
    file.write_bytes(b"".join(lines))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (other_digest, "prompts"),
        (fewer_prompts, "prompts"),
        (own_texts, "answers"),
        (other_checksum, "answers"),
        (other_ids, "tokens"),
        (forged_ids, "ids"),
    ],
)
def test_what_was_changed_is_named(made: Path, tmp_path: Path, change: Callable[[Path], None], named: str) -> None:
    """As in a run with its texts."""
    shutil.copytree(made / "run", tmp_path / "whole")
    shutil.copytree(made / "run-redacted", tmp_path / "run")
    change(tmp_path / "run")
    if named == "prompts":
        with pytest.raises(RunDirectoryError, match=r"prompts\.jsonl is damaged"):
            verify_run(tmp_path / "run")
    else:
        assert held(tmp_path / "run")[named] is False


def test_nothing_goes_on_in_it(made: Path, run_cli: RunCli) -> None:
    """It is evidence: what would ask, score or judge anew is told so; as a baseline it serves like the run that it was made from."""
    for arguments in (("score",), ("decide",), ("tokenize", "--tokenizer", "demo")):
        code, _, errors = run_cli(arguments[0], made / "run-redacted", *arguments[1:])
        assert code == 2
        assert "texts of" in errors
        assert "were taken out" in errors
    with pytest.raises(RunDirectoryError, match="were taken out"):
        move_reference(
            made / "run-redacted", Judged(reference="http://r/v1", model="m", dialect="vllm", topk_logprobs=2)
        )
    with RunDirectory.read(made / "run") as run, RunDirectory.read(made / "run-redacted") as without:
        judged = [
            decide_run(run, score_run(run), baseline_of(made / name, run.audit, out=run.path)).decision
            for name in ("baseline", "baseline-redacted")
        ]
        assert repr(judged[0]) == repr(judged[1])
        assert without.prompt_digests == run.prompt_digests
        assert decide_run(without, score_run(without)).findings == ()


def test_where_it_may_lie(made: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """Not in the run, not over something else; a run that is in use, or holds links, is refused and nothing is written."""
    shutil.copytree(made / "run", tmp_path / "run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for out, word in ((tmp_path / "run" / "in", "lies in the run"), (tmp_path / "full", "not a run directory")):
        code, _, errors = run_cli("runs", "redact", tmp_path / "run", out)
        assert code == 2
        assert word in errors
    with RunDirectory.resume(tmp_path / "run"), pytest.raises(RunDirectoryError, match="in use"):
        redact_run(tmp_path / "run", tmp_path / "out")
    (tmp_path / "run" / "report.json").unlink()
    (tmp_path / "run" / "report.json").symlink_to(made / "run" / "report.json")
    with pytest.raises(RunDirectoryError, match="is a link"):
        redact_run(tmp_path / "run", tmp_path / "linked")
    assert not (tmp_path / "linked" / "run.json").exists()
    code, _, errors = run_cli("runs", "redact", made / "run", tmp_path / "done")
    assert code == 0
    assert "can be decoded" in errors
