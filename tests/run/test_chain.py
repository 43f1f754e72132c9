"""No verdict is shown on data that it was not made from, and no damage passes for an answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from token_difr.errors import RunDirectoryError
from token_difr.records import Audit, Judged, SamplingParams, Scored, TokenSequence, TopKBatch
from token_difr.run import RunDirectory
from token_difr.run.audit import audit
from token_difr.run.layout import PROMPTS, REPORT, RESPONSES, ROWS, SCORES, SEQUENCES
from token_difr.run.repairing import repair

RunCli = Callable[..., tuple[int, str, str]]
FORMAT_1 = Path(__file__).parent / "data" / "format_1"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the one run lies of which each test gets a copy."""
    return tmp_path_factory.mktemp("original") / "run"


@pytest.fixture
def finished(original: Path, request: pytest.FixtureRequest, conversations: list[Any], tmp_path: Path) -> Path:
    """A finished audit at a temperature above 0, without a sampler."""
    if not original.exists():
        audited(original, request.getfixturevalue("endpoint").url, conversations)
    return Path(shutil.copytree(original, tmp_path / "run"))


def audited(out: Path, url: str, conversations: list[Any]) -> None:
    audit(
        conversations,
        provider=url,
        model="m",
        reference=url,
        tokenizer="demo",
        params=SamplingParams(temperature=1.0, seed=(1, 2, 3, 4, 5)),
        max_tokens=30,
        progress=False,
        out=out,
    )


def test_another_sampler_makes_the_report_old(finished: Path, run_cli: RunCli) -> None:
    """``score --sampler`` and then ``report``: the verdict on the old scores is not shown, and what to do is said."""
    assert run_cli("report", finished)[0] == 3
    assert run_cli("score", finished, "--sampler", "vllm@0.33")[0] == 0
    code, output, error = run_cli("report", finished)
    assert (code, output) == (2, "")
    assert f"token-difr decide {finished}" in error
    assert run_cli("decide", finished)[0] == 3
    assert json.loads(run_cli("report", finished, "--json")[1])["audit"]["scored"]["sampler"] == "vllm@0.33"


def test_other_data_make_the_report_old(finished: Path, run_cli: RunCli) -> None:
    """Data that are collected into a finished run: no verdict on the old ones is shown, at no step of the way."""
    with RunDirectory.resume(finished) as run:
        old = run.responses()[1]
        run.keep_response(replace(old, content="int4 answers otherwise"))
        with pytest.raises(RunDirectoryError, match="lacks the reference's rows of 1 of 5"):
            run.report()
        tokens = TokenSequence([9, 8, 7], [1, 2])
        run.keep_sequences({1: tokens})
        run.keep_rows(1, TopKBatch.from_rows([[(1, -0.5)], [(3, -0.5)]], [1, 2], prompt_lengths=[3]))
        assert run.report() is None
    assert run_cli("report", finished)[0] == 2
    assert run_cli("decide", finished)[0] == 3
    assert run_cli("report", finished)[0] == 3


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace('"inconclusive"', '"consistent"', 1),
        lambda text: text.replace('"temperature": 1.0', '"temperature": 0.0'),
        lambda text: text.replace('"level"', '"Level"'),
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "[]",
    ],
    ids=["verdict", "temperature", "field", "cut", "empty", "list"],
)
def test_an_edited_report_is_refused(finished: Path, run_cli: RunCli, edit: Callable[[str], str]) -> None:
    """An edited report is never shown as a verdict; it is made anew from the scores."""
    file = finished / REPORT
    before = file.read_text()
    file.write_text(edit(before))
    if file.read_text() == before:
        pytest.skip("the report has no such field")
    code, output, error = run_cli("report", finished)
    assert (code, output) == (2, "")
    assert "was edited or damaged" in error
    assert f"token-difr decide {finished}" in error
    assert run_cli("decide", finished)[0] == run_cli("report", finished)[0] == 3


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("run.json", "token-difr repair"),
        (PROMPTS, "writes it anew"),
        (RESPONSES, "lacks the reference's rows of 1 of 5"),
        (SEQUENCES, "lacks the reference's rows of 1 of 5"),
        (ROWS, "lacks the reference's rows of 1 of 5"),
        (SCORES, "token-difr decide"),
        (REPORT, "token-difr decide"),
    ],
)
def test_a_flipped_byte_is_never_a_verdict(finished: Path, run_cli: RunCli, file: str, words: str) -> None:
    """A byte that changed in any file of a run: what it held is missing, and what to do is said."""
    content = bytearray((finished / file).read_bytes())
    lines = bytes(content).splitlines(keepends=True)
    place = len(content) // 2 if file not in {RESPONSES, SEQUENCES, ROWS} else len(content) - len(lines[-1]) // 2
    if file == SCORES:  # not every byte of an archive matters: one of an array
        with RunDirectory.read(finished) as run:
            stored = run.stored_scores()
            assert stored is not None
            place = content.find(stored.scores.surprise.tobytes())
    content[place] ^= 0x01
    (finished / file).write_bytes(bytes(content))
    code, output, error = run_cli("report", finished)
    assert (code, output) == (2, "")
    assert words in error


def test_a_lost_manifest_is_made_anew(finished: Path, run_cli: RunCli) -> None:
    """Everything but the sampler is told by the records; the report is there again."""
    with RunDirectory.read(finished) as run:
        before = run.audit
    for damage in ((finished / "run.json").unlink, lambda: (finished / "run.json").write_text("{}")):
        damage()
        code, _, error = run_cli("report", finished)
        assert code == 2
        assert f"token-difr repair {finished}" in error
        assert run_cli("repair", finished)[0] == 0
        with RunDirectory.read(finished) as run:
            assert run.audit == before
        assert run_cli("report", finished)[0] == 3
    assert repair(finished).was_whole


def test_a_repair_that_is_stated_otherwise(finished: Path) -> None:
    """What the records say is held against what is stated, and the sampler is taken from there."""
    (finished / "run.json").unlink()
    wrong = Audit(judged=Judged(reference="http://elsewhere/v1", model="m", dialect="vllm", topk_logprobs=20))
    with pytest.raises(RunDirectoryError, match=r"judged\.reference"):
        repair(finished, wrong)
    repaired = repair(finished, Audit(scored=Scored(sampler="vllm@0.33")))
    assert repaired.audit.sampler == "vllm@0.33"
    assert repaired.told == ("prompts", "asked", "rendered", "judged", "resegmented")


def test_format_1_is_gone_on_with(tmp_path: Path) -> None:
    """A run of format 1 keeps its answers and rows; what it lacks is added, and it becomes format 2."""
    shutil.copytree(FORMAT_1, tmp_path / "run")
    with RunDirectory.read(tmp_path / "run") as run:
        assert sorted(run.responses()) == sorted(run.sequences()) == [0, 1, 2, 3, 4]
        assert sorted(run.rows()) == [0, 1, 2, 3]
        asked = run.audit.asked
        assert asked is not None
        assert asked.params == SamplingParams(temperature=1.0, top_p=0.9, seed=(1, 2, 3, 4, 5))
        assert (asked.asking.service, asked.asking.chat_template_kwargs) == ("vllm", {"date_string": "today "})
        assert run.audit.sampler == "vllm@0.33"
        assert (run.started, run.audit.prompts.count if run.audit.prompts else None) == (None, 5)
    with RunDirectory.resume(tmp_path / "run") as run:
        ids = run.sequences()[4].output_token_ids
        run.keep_rows(4, TopKBatch.from_rows([[(i, -0.25)] for i in ids], list(ids), prompt_lengths=[3]))
        assert len(run.batch()) == sum(len(s.output_token_ids) for s in run.sequences().values())
        assert run.stored_scores() is None
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["format"] == 2


def test_format_1_is_repaired_by_what_is_stated(tmp_path: Path, run_cli: RunCli) -> None:
    """Its records do not say what they were made for: a part that is not stated is asked for."""
    shutil.copytree(FORMAT_1, tmp_path / "run")
    with RunDirectory.read(tmp_path / "run") as run:
        before = run.audit
    (tmp_path / "run" / "run.json").unlink()
    code, _, error = run_cli("repair", tmp_path / "run")
    assert code == 2
    assert "give --provider" in error
    stated = ("--provider", "http://p/v1", "--tokenizer", "demo", "--reference", "http://r/v1")
    code, _, error = run_cli("repair", tmp_path / "run", *stated)
    assert code == 2
    assert "give --model too" in error
    repaired = repair(tmp_path / "run", before)
    assert repaired.audit == before


def test_nothing_is_repaired_where_nothing_is(tmp_path: Path, run_cli: RunCli) -> None:
    """A folder without records is no run directory, and nothing is left in it."""
    code, _, error = run_cli("repair", tmp_path)
    assert code == 2
    assert "holds no records of an audit" in error
    assert list(tmp_path.iterdir()) == []


def test_a_verdict_is_not_scored_twice(finished: Path, monkeypatch: pytest.MonkeyPatch, run_cli: RunCli) -> None:
    """The verdict stage reads the stored scores: nothing is scored again."""
    from token_difr.run import stages

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(stages, "score", refused)
    assert run_cli("decide", finished)[0] == 3
    assert run_cli("report", finished)[0] == 3


def test_what_is_decided_stays_decided(finished: Path, run_cli: RunCli) -> None:
    """The same rule on the same scores gives the very report that is kept, and another rule a new one."""
    first = run_cli("decide", finished, "--json")[1]
    kept = (finished / REPORT).read_bytes()
    assert run_cli("decide", finished, "--json")[1] == first
    assert (finished / REPORT).read_bytes() == kept
    assert json.loads(run_cli("decide", finished, "--level", 0.05, "--json")[1])["rule"]["level"] == 0.05
    assert (finished / REPORT).read_bytes() != kept


def test_a_mistyped_provider_is_mended(
    endpoint: Any, conversations: list[Any], tmp_path: Path, run_cli: RunCli
) -> None:
    """``--provider-only`` and everything beside it can be stated anew as long as nothing was answered, dry or for real."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in conversations))
    common = ("--provider", endpoint.url, "--model", "m", "--prompts", prompts, "--out", tmp_path / "run")
    router = ("--provider-service", "openrouter", "--max-retries", 0)
    honest = endpoint.answer
    endpoint.answer = lambda *_: (404, {"error": {"message": "no such provider"}})
    assert run_cli("collect", *common, *router, "--provider-only", "typo")[0] == 2
    endpoint.answer = honest
    assert run_cli("collect", *common, *router, "--provider-only", "right", "--dry-run")[0] == 0
    assert run_cli("collect", *common, *router, "--provider-only", "right")[0] == 0
    assert run_cli("collect", *common, *router, "--provider-only", "other", "--dry-run")[0] == 2
    assert run_cli("collect", *common, *router, "--provider-only", "other")[0] == 2


@pytest.mark.parametrize(
    "named",
    [
        ("--provider-service", "vllm"),
        ("--provider-service", "llama.cpp"),
        ("--provider-service", "openrouter", "--provider-only", "right"),
        ("--provider-service", "openrouter", "--provider-only", "right", "--no-preflight"),
    ],
    ids=" ".join,
)
def test_a_named_provider_is_audited(
    named: tuple[str, ...], endpoint: Any, conversations: list[Any], tmp_path: Path, run_cli: RunCli
) -> None:
    """An audit whose service its URL does not tell goes through all stages, and again without a request."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in conversations))
    command = (
        *("audit", "--provider", endpoint.url, "--model", "m", "--reference", endpoint.url, "--prompts", prompts),
        *("--out", tmp_path / "run", "--tokenizer", "demo", "--topk-logprobs", 2, "--max-retries", 0, "--quiet"),
    )
    for _ in range(2):
        code, _, told = run_cli(*command, *named)
        assert code == 3, told


def test_dry_and_for_real_are_one_audit(
    endpoint: Any, conversations: list[Any], tmp_path: Path, run_cli: RunCli
) -> None:
    """The same command, dry, is refused or goes on exactly as it does for real; an interrupted one too."""
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in conversations))
    command = (
        *("audit", "--provider", endpoint.url, "--model", "m", "--reference", endpoint.url, "--prompts", prompts),
        *("--out", tmp_path / "run", "--tokenizer", "demo", "--topk-logprobs", 2, "--max-retries", 0, "--quiet"),
        *("--chat-template-kwargs", '{"date_string": "1 May"}', "--provider-logprobs"),
    )
    assert run_cli(*command, "--dry-run")[0] == 0
    assert run_cli(*command)[0] == 3
    dry = run_cli(*command, "--dry-run", "--json")
    assert dry[0] == 0
    assert json.loads(dry[1])["provider"]["requests"] == json.loads(dry[1])["reference"]["requests"] == 0
    assert run_cli(*command)[0] == 3
    for other in (("--max-tokens", 7), ("--provider-service", "sglang"), ("--topk-logprobs", 3), ("--top-p", 0.5)):
        assert run_cli(*command, *other, "--dry-run")[0] == run_cli(*command, *other)[0] == 2
