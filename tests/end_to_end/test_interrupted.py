"""An audit that is killed or stopped at any moment goes on where it was, over real HTTP."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from interruptible import interruptible
from patience import PATIENCE_SECONDS
from token_difr.answers import read_prompts
from token_difr.demo_model import PROMPTS_FILE
from token_difr.run import RunDirectory
from token_difr.run.audit import audit
from token_difr.scores import score

PROMPTS = 48
CONCURRENCY = 4
MAX_TOKENS = 32
KILLS = 3


class Server(NamedTuple):
    """A running server and its log."""

    url: str
    log: Path

    def tags(self) -> list[str]:
        """The tags of all answered requests so far."""
        return re.findall(r"path=/v1/\S*completions .*tag=(\S+)", self.log.read_text("utf-8"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo model, as provider and as reference."""
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "token_difr", "serve", "demo", "--port", "0", "--until-stdin-closes"]
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True) as process,
    ):
        assert process.stdout is not None
        yield Server(process.stdout.readline().strip(), log)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first of the demo's questions."""
    file = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    file.write_text("".join(PROMPTS_FILE.read_text("utf-8").splitlines(keepends=True)[:PROMPTS]), "utf-8")
    return file


def start_audit(server: Server, prompts: Path, out: Path) -> subprocess.Popen[str]:
    options = {
        "provider": server.url,
        "model": "demo",
        "reference": server.url,
        "prompts": prompts,
        "out": out,
        "tokenizer": "demo",
        "max-tokens": MAX_TOKENS,
        "concurrency": CONCURRENCY,
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return interruptible(["-m", "token_difr", "audit", "--no-preflight", *arguments])


def finish(server: Server, prompts: Path, out: Path) -> Sequence[Sequence[int]]:
    """Finish the audit at ``out`` in this process; returns its output tokens."""
    run = audit(
        read_prompts(prompts),
        provider=server.url,
        model="demo",
        reference=server.url,
        out=out,
        tokenizer="demo",
        max_tokens=MAX_TOKENS,
        concurrency=CONCURRENCY,
        preflight=False,
        progress=False,
    )
    with RunDirectory.read(out) as stored:
        sequences = stored.sequences()
        again = score(stored.batch())
        report = stored.report()
    assert report is not None
    assert report.decision.summary.exact_match_rate.value == run.decision.summary.exact_match_rate.value
    for name, column in run.scores.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], column)
    return [list(sequences[index].output_token_ids) for index in range(PROMPTS)]


def kept(out: Path) -> set[str]:
    """Tags of the requests whose answers are on the disk: whole lines of the two files."""
    files = {"collect": out / "responses.jsonl", "reference": out / "rows.jsonl"}
    records = [
        (stage, json.loads(line))
        for stage, file in files.items()
        if file.exists()
        for line in file.read_bytes().split(b"\n")[:-1]
    ]
    return {f"{stage}-{record['index']}" for stage, record in records if "index" in record}


def wait_for_answers(server: Server, process: subprocess.Popen[str], answers: int) -> None:
    """Wait until the server has answered so many requests in all."""
    while len(server.tags()) < answers:
        assert process.poll() is None, "the audit was over before it could be interrupted"
        time.sleep(0.002)


def settled_tags(server: Server, out: Path, start: int) -> list[str]:
    """All tags, once those after the first ``start`` hold every request whose answer was kept: it is logged later."""
    while not kept(out) <= set(server.tags()[start:]):
        time.sleep(0.05)
    return server.tags()


def stop_midway(server: Server, prompts: Path, out: Path, answers: int, how: signal.Signals) -> tuple[int, str]:
    """Start the audit, and send it ``how`` after so many answers; returns its exit code and its standard error."""
    before = len(server.tags())
    with start_audit(server, prompts, out) as process:
        wait_for_answers(server, process, before + answers)
        process.send_signal(how)
        _, error = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, error


@pytest.fixture(scope="module")
def undisturbed(server: Server, prompts: Path, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Sequence[int]]:
    """Output tokens of an audit that nothing happened to."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    outputs = finish(server, prompts, out)
    settled_tags(server, out, 0)
    return outputs


def test_killed_audit_goes_on(
    server: Server, prompts: Path, tmp_path: Path, undisturbed: Sequence[Sequence[int]]
) -> None:
    """Three kills cost no answer that was on the disk, and at most ``concurrency`` requests each."""
    out = tmp_path / "run"
    start = sent = len(server.tags())
    kept_then: set[str] = set()
    for answers in np.random.default_rng(7).integers(4, 2 * PROMPTS // (KILLS + 1), KILLS):
        code, _ = stop_midway(server, prompts, out, int(answers), signal.SIGKILL)
        assert code == -signal.SIGKILL
        tags = settled_tags(server, out, start)
        assert not kept_then & set(tags[sent:])
        sent, kept_then = len(tags), kept(out)
    assert finish(server, prompts, out) == undisturbed
    tags = settled_tags(server, out, start)
    assert kept_then
    assert not kept_then & set(tags[sent:])
    asked = Counter(tags[start:])
    assert len(asked) == 2 * PROMPTS
    assert asked.total() <= 2 * PROMPTS + KILLS * CONCURRENCY


def test_interrupted_audit_goes_on(
    server: Server, prompts: Path, tmp_path: Path, undisturbed: Sequence[Sequence[int]]
) -> None:
    """Ctrl-C ends an audit with exit code 130 and a word on how to go on; what had arrived is not asked for again."""
    out, start = tmp_path / "run", len(server.tags())
    code, error = stop_midway(server, prompts, out, 10, signal.SIGINT)
    assert code == 130
    assert f"stopped; what has arrived is in {out}" in error
    assert "Traceback" not in error
    before, kept_then = len(settled_tags(server, out, start)), kept(out)
    assert len(kept_then) >= 10 - CONCURRENCY
    assert finish(server, prompts, out) == undisturbed
    assert not kept_then & set(settled_tags(server, out, start)[before:])
