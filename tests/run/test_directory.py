"""The run directory keeps what it was given, through kills and damage, and lets no two audits mix."""

from __future__ import annotations

import json
import logging
import math
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from token_difr.errors import RunDirectoryError
from token_difr.records import (
    Asked,
    Asking,
    Audit,
    Judged,
    Rendered,
    Response,
    SamplingParams,
    Scored,
    Scores,
    TokenSequence,
    TopKBatch,
)
from token_difr.records.part import leaves
from token_difr.run import RunDirectory

ASKED = Asked(provider="http://p/v1", model="m", params=SamplingParams(seed=3), max_tokens=8)
AUDIT = Audit(asked=ASKED, rendered=Rendered(tokenizer="t", digest="d"))
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
    with RunDirectory.create(path, PROMPTS, AUDIT) as run:
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
        assert run.audit == AUDIT.about(PROMPTS)
        assert run.responses() == {index: response(index) for index in range(3)}
        assert run.sequences()[2].to_dict() == {"prompt_token_ids": [9, 8, 7, 6], "output_token_ids": [1, 1]}
        batch = run.batch()
    assert batch.logprobs.tolist() == [-0.5, -math.inf] * 6
    assert np.isnan(batch.claimed_logprob).all()
    assert batch.sequence_indptr.tolist() == [0, 2, 4, 6]
    assert batch.indptr.tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert batch.prompt_lengths is not None
    assert batch.prompt_lengths.tolist() == [4, 4, 4]


def scores_of(margin: float = 0.5) -> Scores:
    return Scores.from_margins([0.0, margin, math.inf, math.nan, 0.0, 0.0], [0, 2, 4, 6])


def test_scores_come_back(tmp_path: Path) -> None:
    """The arrays of the scores are kept, with a checksum; before that there are none."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        assert run.stored_scores() is None
        kept = run.keep_scores(scores_of())
        stored = run.stored_scores()
        assert stored is not None
        assert stored.digest == kept.digest
        np.testing.assert_array_equal(stored.scores.margin, scores_of().margin)


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run.keep_response(response(1, "another answer")),
        lambda run: run.keep_rows(1, rows(1)),
    ],
    ids=["answer", "rows"],
)
def test_scores_of_other_data_are_missing(tmp_path: Path, change: Callable[[RunDirectory], None]) -> None:
    """Scores count as long as the rows are there that they were made from, and no others."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        run.keep_scores(scores_of())
        change(run)
        if len(run.rows()) < 3:
            run.keep_sequences({1: TokenSequence([9, 8, 7, 6], [1, 1])})
            run.keep_rows(1, rows())
        assert run.stored_scores() is None


def test_scores_by_another_sampler_are_missing(tmp_path: Path) -> None:
    """A sampler that is stated afterwards makes the scores old; so does a width of the logits."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        run.keep_scores(scores_of())
    for stated in (Scored(sampler="vllm@0.33"), Scored(vocab_size=7)):
        with RunDirectory.resume(tmp_path / "run", Audit(scored=stated)) as run:
            assert run.stored_scores() is None
    assert run.audit.scored == Scored(sampler="vllm@0.33", vocab_size=7)


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
        whole = max(0, content[:end].count(b"\n") - 1)  # the first line says what the others are made for
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
        assert "line 2" in caplog.text
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
    other = replace(AUDIT, asked=replace(ASKED, model="n", max_tokens=9))
    with pytest.raises(
        RunDirectoryError, match=r"asked\.model \('m' there, 'n' here\), asked\.max_tokens \(8 there, 9 here\)"
    ):
        RunDirectory.create(tmp_path / "run", PROMPTS, other)
    with pytest.raises(RunDirectoryError, match=r"the prompts, prompts\.count \(3 there, 2 here\)"):
        RunDirectory.create(tmp_path / "run", PROMPTS[:2], AUDIT)
    assert {file: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before


def test_mistake_is_put_right_before_anything_arrived(tmp_path: Path) -> None:
    """A part that no record depends on yet can be stated otherwise in the same directory, every field of it."""
    judged = Judged(reference="http://a/v1", model="m", dialect="vllm", topk_logprobs=20)
    wrong = Asked(
        provider="http://q/v1",
        model="typo",
        params=SamplingParams(temperature=1.0),
        max_tokens=9,
        asking=Asking(service="sglang", only="typo", chat_template_kwargs={"x": 1}, token_ids=True, logprobs=True),
    )
    RunDirectory.create(tmp_path / "run", PROMPTS[:1], Audit(asked=wrong, judged=judged)).close()
    with RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT) as run:
        assert run.audit == replace(AUDIT.about(PROMPTS), judged=judged)
        run.keep_response(response(0))
    other = replace(judged, reference="http://b/v1")
    with RunDirectory.resume(tmp_path / "run", Audit(judged=other)) as run:
        assert run.prompts == PROMPTS
        assert run.audit.judged == other
    for field, value in leaves(wrong):
        if value != dict(leaves(ASKED)).get(field):
            with pytest.raises(RunDirectoryError, match=re.escape(f"asked.{field.split('.')[-1]}")):
                RunDirectory.resume(tmp_path / "run", Audit(asked=changed(ASKED, field, value)))


def changed(part: Any, name: str, value: Any) -> Any:
    """A dataclass with one value of it, or of one nested in it, replaced."""
    head, _, rest = name.partition(".")
    return replace(part, **{head: changed(getattr(part, head), rest, value) if rest else value})


def test_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that is no run directory is not filled, and reading one names what is missing."""
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunDirectoryError, match=r"not a run directory, and holds 'thesis\.tex'"):
        RunDirectory.create(tmp_path, PROMPTS, AUDIT)
    with pytest.raises(RunDirectoryError, match=r"it has no run\.json"):
        RunDirectory.read(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_half_made_directory_is_made_again(tmp_path: Path) -> None:
    """A process killed while it made the directory leaves nothing in the way."""
    (tmp_path / "lock").write_text("")
    (tmp_path / "prompts.jsonl").write_text('{"mess')
    (tmp_path / ".run.json.unfinished").write_text("{")
    RunDirectory.create(tmp_path, PROMPTS, AUDIT).close()
    with RunDirectory.read(tmp_path) as run:
        assert run.prompts == PROMPTS


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 1}', '{"format": 1, "identity": {"tokenizer": 1}}', '{"format": 2}', "[" * 99999]
)
def test_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    """A manifest that cannot be read is an error of one kind."""
    (filled(tmp_path / "run") / "run.json").write_text(content)
    with pytest.raises(RunDirectoryError, match=r"run\.json is damaged|has format"):
        RunDirectory.read(tmp_path / "run")


def test_newer_format_is_refused(tmp_path: Path) -> None:
    """A directory of a later format says so."""
    (filled(tmp_path / "run") / "run.json").write_text('{"format": 3, "audit": {}}')
    with pytest.raises(RunDirectoryError, match="has format 3, this version of token-difr reads formats 1 and 2"):
        RunDirectory.read(tmp_path / "run")


def test_changed_prompts_are_refused(tmp_path: Path) -> None:
    """Prompts that are not those of the manifest are not sent."""
    file = filled(tmp_path / "run") / "prompts.jsonl"
    file.write_bytes(file.read_bytes().replace(b"question 1", b"question 7"))
    with pytest.raises(RunDirectoryError, match="its digest"):
        RunDirectory.resume(tmp_path / "run")


def test_two_writers_are_refused(tmp_path: Path) -> None:
    """The second one to work on a directory is told so; readers are not in the way."""
    with RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT) as first:
        with pytest.raises(RunDirectoryError, match="in use"):
            RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT)
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
    RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT).close()
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
    with RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT) as run:
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
    RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT).close()
    command = [sys.executable, "-c", FILL_UP, str(tmp_path / "run"), str(room)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(f"cannot write {tmp_path / 'run' / 'responses.jsonl'}: ")
    assert words in printed
    assert "no space left (" in printed
    assert "what was written before is kept" in printed
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
    with RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT) as run:
        assert sorted(run.rows()) == [0, 1, 2]
    with RunDirectory.resume(tmp_path / "run") as run:
        assert run.prompts == PROMPTS


def test_kill_between_prompts_and_manifest(tmp_path: Path) -> None:
    """Prompts that were written for an audit whose manifest never came give way to those of the manifest's."""
    RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT).close()
    RunDirectory.create(tmp_path / "other", PROMPTS[:1], AUDIT).close()
    (tmp_path / "other" / "prompts.jsonl").replace(tmp_path / "run" / "prompts.jsonl")
    RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT).close()
    with RunDirectory.read(tmp_path / "run") as run:
        assert run.prompts == PROMPTS


def test_damaged_scores_are_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Scores that end before their end, or hold another byte, are made anew: a warning, and never other scores."""
    with RunDirectory.resume(filled(tmp_path / "run")) as run:
        digest = run.keep_scores(scores_of()).digest
        file = tmp_path / "run" / "scores.npz"
        whole = file.read_bytes()
        for end in range(0, len(whole), 7):
            file.write_bytes(whole[:end])
            assert run.stored_scores() is None
        assert "the rows are scored again" in caplog.text
        assert "pickle" not in caplog.text
        for position in range(0, len(whole), 3):
            file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
            stored = run.stored_scores()  # not every byte matters
            assert stored is None or (stored.digest == digest and scores_equal(stored.scores, scores_of()))


def scores_equal(ours: Scores, theirs: Scores) -> bool:
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(ours.to_arrays().values(), theirs.to_arrays().values(), strict=True)
    )


def test_lock_that_cannot_be_had(tmp_path: Path) -> None:
    """Only a lock that another process holds means "in use"."""
    RunDirectory.create(tmp_path / "run", PROMPTS, AUDIT).close()
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
    assert {Rendered(tokenizer=name, digest=None).tokenizer for name in spellings} == {
        str((tmp_path / "tokenizer").resolve())
    }
    for name in ("organization/name", "demo", "no-folder/"):
        assert Rendered(tokenizer=name, digest=None).tokenizer == name


def test_every_line_is_json_with_a_checksum(tmp_path: Path) -> None:
    """The files are what the documentation says: JSON lines with "crc32" and "index", below one with "made_for"."""
    run = filled(tmp_path / "run")
    for name in ("responses.jsonl", "sequences.jsonl", "rows.jsonl"):
        first, *lines = (run / name).read_text("ascii").splitlines()
        assert set(json.loads(first)) == {"crc32", "made_for"}
        for line in lines:
            assert {"crc32", "index", "source"} <= set(json.loads(line))
