"""The run directory keeps what it was given, through kills and damage, and lets no two audits mix."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.errors import RunDirectoryError
from token_difr.records import AuditIdentity, Response, SamplingParams, TokenSequence, TopKBatch
from token_difr.run import RunDirectory

IDENTITY = AuditIdentity(provider="http://p/v1", model="m", params=SamplingParams(seed=3), max_tokens=8)
PROMPTS: list[list[dict[str, Any]]] = [[{"role": "user", "content": f"question {n} \u2028 é"}] for n in range(3)]


def response(index: int, content: str = "an answer") -> Response:
    return Response(index=index, content=content, finish_reason="stop", body={"id": index, "x": [None, 0.5]})


def rows(tokens: int = 2) -> TopKBatch:
    return TopKBatch(
        indptr=[2 * n for n in range(tokens + 1)],
        token_ids=[1, 2] * tokens,
        logprobs=[-0.5, -math.inf] * tokens,
        claimed=[1] * tokens,
        claimed_logprob=[math.nan] * tokens,
        claimed_rank=[-1] * tokens,
        sequence_indptr=[0, tokens],
        prompt_lengths=[4],
    )


def filled(path: Path) -> Path:
    with RunDirectory.create(path, PROMPTS, IDENTITY) as run:
        for index in range(3):
            run.keep_response(response(index))
        run.keep_sequences({index: TokenSequence([9, 8, 7, 6], [1, 1]) for index in range(3)})
        for index in range(3):
            run.keep_rows(index, rows())
    return path


def test_everything_comes_back(tmp_path: Path) -> None:
    """Prompts, answers, ids and rows are read back equal, NaN and -inf among them."""
    with RunDirectory.read(filled(tmp_path / "run")) as run:
        assert run.prompts == PROMPTS
        assert run.identity == IDENTITY.with_prompts(PROMPTS)
        assert run.responses() == {index: response(index) for index in range(3)}
        assert run.sequences()[2].to_dict() == {"prompt_token_ids": [9, 8, 7, 6], "output_token_ids": [1, 1]}
        batch = run.batch()
    assert batch.logprobs.tolist() == [-0.5, -math.inf] * 6
    assert np.isnan(batch.claimed_logprob).all()
    assert batch.sequence_indptr.tolist() == [0, 2, 4, 6]
    assert batch.indptr.tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert batch.prompt_lengths is not None
    assert batch.prompt_lengths.tolist() == [4, 4, 4]


def test_scores_and_verdict_come_back(tmp_path: Path) -> None:
    """The arrays of the scores and the report are kept; before that there are none."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        assert run.read_scores() is None
        assert run.read_verdict() is None
        run.write_scores({"margin": np.array([0.0, math.inf, math.nan], dtype=np.float32)})
        run.write_verdict({"verdict": "consistent"})
        scores = run.read_scores()
        assert scores is not None
        np.testing.assert_array_equal(scores["margin"], np.array([0.0, math.inf, math.nan], dtype=np.float32))
        assert run.read_verdict() == {"verdict": "consistent"}


@pytest.mark.parametrize("kept", [1, 40, -2])
def test_torn_last_line_is_dropped(tmp_path: Path, kept: int, caplog: pytest.LogCaptureFixture) -> None:
    """A last record that was cut off anywhere is left out with a warning, and the next append starts a clean line."""
    file = filled(tmp_path / "run") / "responses.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:kept])
    with caplog.at_level(logging.WARNING), RunDirectory.resume(tmp_path / "run") as run:
        assert sorted(run.responses()) == [0, 1]
        run.keep_response(response(2))
    assert "cut off" in caplog.text
    assert file.read_bytes() == b"".join(lines)


def test_file_cut_at_any_byte(tmp_path: Path) -> None:
    """Wherever a file ends, the whole lines before that are there, and appending completes it."""
    file = filled(tmp_path / "run") / "sequences.jsonl"
    content = file.read_bytes()
    for end in range(len(content)):
        file.write_bytes(content[:end])
        whole = content[:end].count(b"\n")
        with RunDirectory.resume(tmp_path / "run") as run:
            assert sorted(run.sequences()) == list(range(whole))
            run.keep_sequences({index: TokenSequence([9, 8, 7, 6], [1, 1]) for index in range(whole, 3)})
        assert file.read_bytes() == content


def test_damaged_line_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A record whose bytes have changed is left out with a warning, and what was made from it is missing too."""
    file = filled(tmp_path / "run") / "responses.jsonl"
    file.write_bytes(file.read_bytes().replace(b"an answer", b"an ANSWER", 1))
    with caplog.at_level(logging.WARNING), RunDirectory.resume(tmp_path / "run") as run:
        assert sorted(run.responses()) == sorted(run.sequences()) == sorted(run.rows()) == [1, 2]
        assert "line 1" in caplog.text
        run.keep_response(response(0))  # the same answer again: what was made from it fits again
        assert sorted(run.rows()) == [0, 1, 2]


@pytest.mark.parametrize(
    "line",
    [b"\x00\xff", b"{}", b"[]", b'{"crc32": 1}', b'{"crc32":"x","index":0}', b"null", b"1e999", b"", b"[" * 99999],
    ids=["binary", "empty", "list", "one-key", "text-checksum", "null", "infinity", "blank", "deep"],
)
def test_garbage_in_the_middle_is_skipped(tmp_path: Path, line: bytes) -> None:
    """No content of a line makes a run unreadable."""
    for name in ("responses.jsonl", "sequences.jsonl", "rows.jsonl"):
        file = filled(tmp_path / name) / name
        first, rest = file.read_bytes().split(b"\n", 1)
        file.write_bytes(first + b"\n" + line + b"\n" + rest)
        with RunDirectory.read(tmp_path / name) as run:
            assert sorted(run.rows()) == [0, 1, 2]


def test_last_record_of_an_index_counts(tmp_path: Path) -> None:
    """An answer that was asked for again replaces the old one, and what was made from that is missing."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        run.keep_response(response(1, "another answer"))
    with RunDirectory.read(tmp_path / "run") as run:
        assert run.responses()[1].content == "another answer"
        assert sorted(run.sequences()) == sorted(run.rows()) == [0, 2]
        with pytest.raises(RunDirectoryError, match="lacks the reference's rows of 1 of 3"):
            run.batch()


def test_another_audit_is_refused(tmp_path: Path) -> None:
    """Another identity is an error that names every field that differs, and nothing is written."""
    filled(tmp_path / "run")
    before = {file: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    other = replace(IDENTITY, model="n", max_tokens=9)
    with pytest.raises(RunDirectoryError, match=r"model \('m' there, 'n' here\), max_tokens \(8 there, 9 here\)"):
        RunDirectory.create(tmp_path / "run", PROMPTS, other)
    with pytest.raises(RunDirectoryError, match=r"the prompts, prompts_count \(3 there, 2 here\)"):
        RunDirectory.create(tmp_path / "run", PROMPTS[:2], IDENTITY)
    assert {file: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before


def test_mistake_is_put_right_before_anything_arrived(tmp_path: Path) -> None:
    """A field that no record depends on yet can be stated otherwise in the same directory."""
    RunDirectory.create(tmp_path / "run", PROMPTS[:1], replace(IDENTITY, model="typo", reference="http://a/v1")).close()
    with RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY) as run:
        assert run.identity == replace(IDENTITY.with_prompts(PROMPTS), reference="http://a/v1")
        run.keep_response(response(0))
    with RunDirectory.resume(tmp_path / "run", AuditIdentity(reference="http://b/v1")) as run:
        assert run.prompts == PROMPTS
        assert run.identity.reference == "http://b/v1"
    with pytest.raises(RunDirectoryError, match="model"):
        RunDirectory.resume(tmp_path / "run", AuditIdentity(model="other"))


def test_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that is no run directory is not filled, and reading one names what is missing."""
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunDirectoryError, match=r"not a run directory, and holds 'thesis\.tex'"):
        RunDirectory.create(tmp_path, PROMPTS, IDENTITY)
    with pytest.raises(RunDirectoryError, match=r"it has no run\.json"):
        RunDirectory.read(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_half_made_directory_is_made_again(tmp_path: Path) -> None:
    """A process killed while it made the directory leaves nothing in the way."""
    (tmp_path / "lock").write_text("")
    (tmp_path / "prompts.jsonl").write_text('{"mess')
    (tmp_path / ".run.json.unfinished").write_text("{")
    RunDirectory.create(tmp_path, PROMPTS, IDENTITY).close()
    with RunDirectory.read(tmp_path) as run:
        assert run.prompts == PROMPTS


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"format": 1, "identity": {"color": 1}}'])
def test_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    """A manifest that cannot be read is an error of one kind."""
    (filled(tmp_path / "run") / "run.json").write_text(content)
    with pytest.raises(RunDirectoryError, match=r"run\.json is damaged|has format"):
        RunDirectory.read(tmp_path / "run")


def test_newer_format_is_refused(tmp_path: Path) -> None:
    """A directory of a later format says so."""
    (filled(tmp_path / "run") / "run.json").write_text('{"format": 2, "identity": {}}')
    with pytest.raises(RunDirectoryError, match="has format 2"):
        RunDirectory.read(tmp_path / "run")


def test_changed_prompts_are_refused(tmp_path: Path) -> None:
    """Prompts that are not those of the manifest are not sent."""
    file = filled(tmp_path / "run") / "prompts.jsonl"
    file.write_bytes(file.read_bytes().replace(b"question 1", b"question 7"))
    with pytest.raises(RunDirectoryError, match="its digest"):
        RunDirectory.resume(tmp_path / "run")


def test_two_writers_are_refused(tmp_path: Path) -> None:
    """The second one to work on a directory is told so; readers are not in the way."""
    with RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY) as first:
        with pytest.raises(RunDirectoryError, match="in use"):
            RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY)
        first.keep_response(response(0))
        with RunDirectory.read(tmp_path / "run") as reader:
            assert sorted(reader.responses()) == [0]
            with pytest.raises(RunDirectoryError, match="reading only"):
                reader.keep_response(response(1))
    RunDirectory.resume(tmp_path / "run").close()


HOLD = """
import sys
from token_difr.run import RunDirectory
run = RunDirectory.resume(sys.argv[1])
print("locked", flush=True)
sys.stdin.read()
"""


def test_lock_ends_with_its_process(tmp_path: Path) -> None:
    """A killed process leaves no lock."""
    RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY).close()
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            with pytest.raises(RunDirectoryError, match="in use"):
                RunDirectory.resume(tmp_path / "run")
        finally:
            process.kill()
    RunDirectory.resume(tmp_path / "run").close()


def test_modes_keep_others_out(tmp_path: Path) -> None:
    """Only the owner may read what was said."""
    run = filled(tmp_path / "run")
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in run.iterdir()} == {0o600}


def test_any_text_survives(tmp_path: Path) -> None:
    """Line separators, half surrogate pairs and control characters in an answer come back."""
    text = "a\u2028b\x00\ud800\r\n\x1b[31m"
    with RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY) as run:
        run.keep_response(response(0, text))
    with RunDirectory.read(tmp_path / "run") as run:
        assert run.responses()[0].content == text


FILL_UP = """
import resource, sys
from pathlib import Path
from token_difr.errors import RunDirectoryError
from token_difr.records import Response
from token_difr.run import RunDirectory
file = Path(sys.argv[1]) / "responses.jsonl"
with RunDirectory.resume(sys.argv[1]) as run:
    run.keep_response(Response(index=0, content="a"))
    before = file.read_bytes()
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + int(sys.argv[2]), unlimited[1]))
    try:
        run.keep_response(Response(index=1, content="b"))
    except RunDirectoryError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert file.read_bytes() == before
    assert sorted(run.responses()) == [0]
    run.keep_response(Response(index=1, content="b"))
"""


@pytest.mark.parametrize(("room", "words"), [(5, "only 5 of"), (0, "File too large")])
def test_full_disk_leaves_whole_lines(tmp_path: Path, room: int, words: str) -> None:
    """A write that comes to a part only, or to nothing, is taken back and named; with room again it goes on."""
    RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY).close()
    command = [sys.executable, "-c", FILL_UP, str(tmp_path / "run"), str(room)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(f"cannot write {tmp_path / 'run' / 'responses.jsonl'}: ")
    assert words in printed
    with RunDirectory.read(tmp_path / "run") as run:
        assert sorted(run.responses()) == [0, 1]


@pytest.mark.parametrize("damage", ["", '{"mess', '{"messages": 7}\n', "[" * 9999 + "\n", None])
def test_prompts_are_written_anew(tmp_path: Path, damage: str | None) -> None:
    """Prompts that a kill or a damage set apart from the manifest do not wedge the audit: it knows the right ones."""
    file = filled(tmp_path / "run") / "prompts.jsonl"
    if damage is None:
        file.unlink()
    else:
        file.write_text(damage)
    with pytest.raises(RunDirectoryError, match="audit or collect with the same prompts writes it anew"):
        RunDirectory.resume(tmp_path / "run")
    with RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY) as run:
        assert sorted(run.rows()) == [0, 1, 2]
    with RunDirectory.resume(tmp_path / "run") as run:
        assert run.prompts == PROMPTS


def test_kill_between_prompts_and_manifest(tmp_path: Path) -> None:
    """Prompts that were written for an audit whose manifest never came give way to those of the manifest's."""
    RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY).close()
    RunDirectory.create(tmp_path / "other", PROMPTS[:1], IDENTITY).close()
    (tmp_path / "other" / "prompts.jsonl").replace(tmp_path / "run" / "prompts.jsonl")
    RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY).close()
    with RunDirectory.read(tmp_path / "run") as run:
        assert run.prompts == PROMPTS


def test_cut_off_scores_are_named(tmp_path: Path) -> None:
    """Scores that end anywhere before their end are damaged, and no other error."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        run.write_scores({"margin": np.arange(3, dtype=np.float32)})
        file = tmp_path / "run" / "scores.npz"
        whole = file.read_bytes()
        for end in range(len(whole)):
            file.write_bytes(whole[:end])
            with pytest.raises(RunDirectoryError, match=r"scores\.npz is damaged; score the run again"):
                run.read_scores()
        for position in range(len(whole)):
            file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
            with contextlib.suppress(RunDirectoryError):  # not every byte matters
                run.read_scores()


def test_lock_that_cannot_be_had(tmp_path: Path) -> None:
    """Only a lock that another process holds means "in use"."""
    RunDirectory.create(tmp_path / "run", PROMPTS, IDENTITY).close()
    (tmp_path / "run" / "lock").unlink()
    (tmp_path / "run" / "lock").mkdir()
    with pytest.raises(RunDirectoryError, match=r"cannot write .*lock: Is a directory"):
        RunDirectory.resume(tmp_path / "run")


def test_tokenizer_folder_by_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenizer's folder is one and the same by a relative path, an absolute one, with a slash and through a link."""
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "tokenizer")
    monkeypatch.chdir(tmp_path)
    spellings = ("tokenizer", "tokenizer/", "./tokenizer", "../" + tmp_path.name + "/tokenizer", "link")
    assert {AuditIdentity(tokenizer=name).tokenizer for name in spellings} == {str((tmp_path / "tokenizer").resolve())}
    for name in ("organization/name", "demo", "no-folder/"):
        assert AuditIdentity(tokenizer=name).tokenizer == name


def test_every_line_is_json_with_a_checksum(tmp_path: Path) -> None:
    """The files are what the documentation says: JSON lines with "crc32" and "index"."""
    run = filled(tmp_path / "run")
    for name in ("responses.jsonl", "sequences.jsonl", "rows.jsonl"):
        for line in (run / name).read_text("ascii").splitlines():
            assert {"crc32", "index", "source"} <= set(json.loads(line))
