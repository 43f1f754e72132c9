"""Runs in one file: the same bytes for the same runs, checked like them, and refused where it is not what we write."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decided_runs import decided
from token_difr.errors import InputError, RunDirectoryError
from token_difr.run import RunDirectory
from token_difr.run.bundle import opened_bundle, write_bundle
from token_difr.run.manifest import sealed
from token_difr.run.verifying_bundles import verify_bundle
from token_difr.sequences import load_tokenizer

RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs as a campaign leaves it, with other files among them; and the bundle of it."""
    folder = tmp_path_factory.mktemp("bundle")
    baseline = decided(folder / "campaign" / "honest" / "2026-11-01", 0, tokenizer="demo")
    decided(folder / "campaign" / "cheap" / "2026-11-01", 3, baseline, tokenizer="demo")
    decided(folder / "campaign" / "cheap" / "2026-11-02", 2, baseline, tokenizer="demo")
    (folder / "campaign" / "campaign.toml").write_text("key = 'sk-secret'")
    (folder / "campaign" / "cheap" / ".env").write_text("KEY=sk-secret")
    write_bundle(folder / "campaign", folder / "all.zip")
    return folder


def held(path: Path, run: str, baseline: Path | None = None) -> dict[str, bool | None]:
    """What held of a run of a bundle, by name."""
    tokenizer = load_tokenizer("demo")
    return {check.name: check.held for check in verify_bundle(path, baseline, lambda _audit: tokenizer)[run]}


def test_a_campaign(made: Path) -> None:
    """Every run is checked beside the one that it was compared with, which is in the bundle; no other file is in it."""
    checked = verify_bundle(made / "all.zip", None, lambda _audit: load_tokenizer("demo"))
    assert list(checked) == ["cheap/2026-11-01", "cheap/2026-11-02", "honest/2026-11-01"]
    assert all(check.held for checks in checked.values() for check in checks)
    with zipfile.ZipFile(made / "all.zip") as archive:
        names = archive.namelist()
        assert not any(b"sk-secret" in archive.read(name) for name in names)
    assert {name.rpartition("/")[2] for name in names} == {
        "bundle.json", "prompts.jsonl", "responses.jsonl", "sequences.jsonl", "rows.jsonl", "scores.npz", "report.json", "run.json",
    }  # fmt: skip


def test_it_does_not_rest_on_the_place_of_the_baseline(made: Path, tmp_path: Path) -> None:
    """What was packed is found in the bundle, wherever the runs were; what was not has to be given."""
    shutil.move(shutil.copytree(made / "campaign", tmp_path / "copied"), tmp_path / "moved")
    run = tmp_path / "moved" / "cheap" / "2026-11-01"
    report = {name: value for name, value in json.loads((run / "report.json").read_text()).items() if name != "sha256"}
    report["provenance"]["baseline"]["path"] = "/nowhere"
    (run / "report.json").write_text(json.dumps(sealed(report)))
    assert write_bundle(run, tmp_path / "with.zip", baseline=made / "campaign" / "honest" / "2026-11-01") == (
        "baseline",
        "run",
    )
    assert set(held(tmp_path / "with.zip", "run").values()) == {True}
    assert write_bundle(run, tmp_path / "without.zip") == ("run",)
    assert held(tmp_path / "without.zip", "run")["baseline"] is None
    assert held(tmp_path / "without.zip", "run", made / "campaign" / "honest" / "2026-11-01")["decision"]


def test_the_same_runs_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    """Wherever and whenever they are packed, and whatever else lies there; the file is its owner's alone."""
    shutil.copytree(made / "campaign", tmp_path / "elsewhere")
    for file in (tmp_path / "elsewhere").rglob("*"):
        os.utime(file, (1, 1))
    (tmp_path / "elsewhere" / "notes.txt").touch()
    write_bundle(tmp_path / "elsewhere", tmp_path / "all.zip")
    assert (tmp_path / "all.zip").read_bytes() == (made / "all.zip").read_bytes()
    assert (tmp_path / "all.zip").stat().st_mode & 0o077 == 0
    assert [file.name for file in tmp_path.iterdir()].count("all.zip") == len(list(tmp_path.iterdir())) - 1


def test_without_texts(tmp_path: Path, run_cli: RunCli) -> None:
    """No text is in it; its runs are checked like those that they were made from."""
    decided(tmp_path / "run", 3, decided(tmp_path / "baseline", 0, word="Secret"), word="Secret")
    code, _, errors = run_cli(
        "bundle", tmp_path / "run", tmp_path / "a.zip", "--baseline", tmp_path / "baseline", "--redact"
    )
    assert code == 0
    assert "2 runs, without their texts" in errors
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert not any(b"secret" in archive.read(name).lower() for name in archive.namelist())
    assert {name for name, value in held(tmp_path / "a.zip", "run").items() if not value} == {"texts", "findings"}
    code, output, _ = run_cli("verify-run", tmp_path / "a.zip")
    assert code == 3
    assert "taken out of 30 prompts and answers" in " ".join(output.split())


def test_what_is_not_packed(made: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """Says why, and leaves no file: no run, one that is in use, a link, a name that is not the same everywhere."""
    (tmp_path / "empty").mkdir()
    for name in ("used", "linked", "strange"):
        shutil.copytree(
            made / "campaign" / "cheap" / "2026-11-01", tmp_path / name / ("a:b" if name == "strange" else "run")
        )
    (tmp_path / "linked" / "run" / "report.json").unlink()
    (tmp_path / "linked" / "run" / "report.json").symlink_to("/etc/hostname")
    (tmp_path / "outside").symlink_to(made / "campaign")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "campaign").symlink_to(made / "campaign")
    for name, word in (
        ("empty", "no run directory"),
        ("nowhere", "cannot read"),
        ("linked", "is a link"),
        ("strange", "rename it"),
        ("links", "none in it"),
    ):
        code, _, errors = run_cli("bundle", tmp_path / name, tmp_path / "out.zip")
        assert (code, word in errors) == (2, True), errors
    with RunDirectory.resume(tmp_path / "used" / "run"), pytest.raises(RunDirectoryError, match="in use"):
        write_bundle(tmp_path / "used", tmp_path / "out.zip")
    for out in (made / "all.zip", tmp_path / "used" / "run" / "out.zip", tmp_path / "empty"):
        with pytest.raises(RunDirectoryError, match=r"there already|lies in"):
            write_bundle(tmp_path / "used" / "run", out)
    assert not list(tmp_path.rglob("*out.zip*"))


def rezipped(path: Path, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """A bundle whose files were changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def reindexed(members: dict[str, bytes], **changes: object) -> None:
    """Another index, whose checksum fits."""
    index = {name: value for name, value in json.loads(members["bundle.json"]).items() if name != "sha256"}
    members["bundle.json"] = json.dumps(sealed({**index, **changes})).encode()


RUN = "cheap/2026-11-01"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda members: members.pop("bundle.json"), "no bundle.json"),
        (lambda members: members.pop(f"{RUN}/rows.jsonl"), "other files"),
        (lambda members: members.update({f"{RUN}/repairs.jsonl": b""}), "other files"),
        (lambda members: members.update({f"{RUN}/rows.jsonl": b"other"}), "is not what"),
        (lambda members: members.update({f"{RUN}/lock": b""}), "name that no such file has"),
        (lambda members: members.update({f"{RUN}/../../rows.jsonl": b""}), "name that no such file has"),
        (lambda members: members.update({"rows.jsonl": b""}), "name that no such file has"),
        (lambda members: members.update({"bundle.json": b"{}"}), "checksum"),
        (lambda members: members.update({"bundle.json": b"[" * 100_000}), "damaged"),
        (lambda members: members.update({"bundle.json": b"[]"}), "damaged"),
        (lambda members: reindexed(members, format=2), "format 2"),
        (lambda members: reindexed(members, files=[]), "damaged"),
        (lambda members: reindexed(members, files={}), "other files"),
    ],
)
def test_what_is_no_bundle_of_ours(
    made: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], object], named: str
) -> None:
    """Says what is wrong with it; nothing is left."""
    (tmp_path / "a.zip").write_bytes(rezipped(made / "all.zip", change))
    with pytest.raises(InputError, match=named), opened_bundle(tmp_path / "a.zip"):
        pass


def test_runs_that_were_changed(made: Path, tmp_path: Path, run_cli: RunCli) -> None:
    """In a bundle whose checksums were made to fit fail like anywhere else, each by its name."""

    def change(members: dict[str, bytes]) -> None:
        members[f"{RUN}/rows.jsonl"] = members[f"{RUN}/rows.jsonl"].replace(b'"index":3,', b'"index":4,', 1)
        members["cheap/2026-11-02/run.json"] = b"{}"
        index = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members.items()
        }
        index.pop("bundle.json")
        reindexed(members, files=index)

    (tmp_path / "a.zip").write_bytes(rezipped(made / "all.zip", change))
    checked = verify_bundle(tmp_path / "a.zip")
    assert {check.name for check in checked[RUN] if check.held is False} == {"rows"}
    assert [(check.name, check.held) for check in checked["cheap/2026-11-02"]] == [("run", False)]
    code, output, _ = run_cli("verify-run", tmp_path / "a.zip")
    assert code == 2
    assert RUN in output


def test_a_link_in_it(tmp_path: Path) -> None:
    """Is refused before it is made."""
    member = zipfile.ZipInfo("run/run.json")
    member.create_system, member.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"), opened_bundle(tmp_path / "a.zip"):
        pass


@given(place=st.integers(0, 2**16), value=st.integers(0, 255), length=st.integers(0, 2**16))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_of_any_kind(made: Path, tmp_path: Path, place: int, value: int, length: int) -> None:
    """Is told as that, or does not matter; there is no other error."""
    data = bytearray((made / "all.zip").read_bytes())
    data[place % len(data)] = value
    (tmp_path / "a.zip").write_bytes(bytes(data[: len(data) - length] if length < 100 else data))
    try:
        with opened_bundle(tmp_path / "a.zip") as runs:
            assert len(runs) == 3
    except InputError as error:
        assert "no bundle, or is damaged" in str(error)  # noqa: PT017
