"""The demo, as a stranger runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from patience import PATIENCE_SECONDS
from token_difr.demo.audits import choose_prompts
from token_difr.demo.providers import PROVIDERS, SAMPLED_PROVIDERS
from token_difr.demo.served_model import DemoModel
from token_difr.demo_model import MODEL_FOLDER
from token_difr.errors import InputError

DEMO = [sys.executable, "-m", "token_difr", "demo"]
TWO_SERVERS = """
import pathlib, sys, time
from token_difr.demo.providers import HONEST, REFERENCE
from token_difr.demo.servers import running_servers

folder = pathlib.Path(sys.argv[1])
with running_servers((REFERENCE, HONEST), folder):
    (folder / "up").touch()
    time.sleep(3600)
"""
"""As the demo starts all of its own: a kill lets no line of the parent run, so it is the same for two."""


def children_of(process: int) -> list[str]:
    """Process ids of the children that are still there."""
    return Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()


def verdict_in(run: Path) -> str:
    """The verdict that a run directory holds."""
    return str(json.loads((run / "report.json").read_text(encoding="utf-8"))["verdict"])


def test_the_demo_catches_the_cheaters_and_clears_the_honest_provider(tmp_path: Path) -> None:
    """Exit status 0, one row a provider in each table, closing sentences, and a verdict in every run directory."""
    done = subprocess.run(
        [*DEMO, "--out", str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    for provider in PROVIDERS:
        assert provider.deviation in done.stdout
        assert provider.expected in {None, verdict_in(tmp_path / provider.name)}
    for provider in SAMPLED_PROVIDERS:
        assert provider.deviation in done.stdout
        assert verdict_in(tmp_path / f"{provider.name}-seeded") == provider.expected
        if provider.unseeded is not None:
            assert verdict_in(tmp_path / f"{provider.name}-unseeded") == provider.unseeded
    assert "Caught: int4 weights" in done.stdout
    assert "Caught at temperature 1: seed 43 instead of 42" in done.stdout
    assert "NOT as expected" not in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks processes up in /proc")
@pytest.mark.parametrize(
    ("command", "sign", "count", "how"),
    [
        ([*DEMO, "--out"], "baseline/responses.jsonl", len({*PROVIDERS, *SAMPLED_PROVIDERS}) + 1, signal.SIGINT),
        ([sys.executable, "-c", TWO_SERVERS], "up", 2, signal.SIGKILL),
    ],
    ids=["interrupted", "killed"],
)
def test_no_server_outlives_the_demo(
    tmp_path: Path, command: list[str], sign: str, count: int, how: signal.Signals
) -> None:
    """Interrupted or killed in the middle, it leaves no process behind."""
    with subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
        while not (tmp_path / sign).exists() and demo.poll() is None:
            time.sleep(0.1)
        servers = children_of(demo.pid)
        demo.send_signal(how)

    assert len(servers) == count
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(_runs(server) for server in servers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_runs(server) for server in servers)


def test_the_two_sides_are_asked_different_questions() -> None:
    """The same prompts at temperature 0 would prove nothing; another seed draws others."""
    questions = DemoModel.named("demo", max_tokens=8).questions
    chosen, other = (choose_prompts(questions, 149, seed=seed) for seed in (0, 1))
    audited = {json.dumps(messages) for messages in chosen.audited}

    assert len(chosen.audited) == len(chosen.baseline) == 149
    assert not audited & {json.dumps(messages) for messages in chosen.baseline}
    assert audited != {json.dumps(messages) for messages in other.audited}


@pytest.mark.parametrize("count", [0, 148, 10**6])
def test_too_few_and_too_many_prompts_are_refused(count: int) -> None:
    """The message says how many it takes."""
    with pytest.raises(InputError, match=r"149 to \d+ prompts"):
        choose_prompts(DemoModel.named("demo", max_tokens=8).questions, count, seed=0)


def test_another_model_is_asked_questions_of_many_kinds() -> None:
    """Any model's folder or file; the tiny model's own questions are about what it was trained on."""
    other = DemoModel.named(str(MODEL_FOLDER), max_tokens=16)

    assert (other.name, other.max_tokens) == (str(MODEL_FOLDER), 16)
    assert len(choose_prompts(other.questions, 149, seed=0).audited) == 149
    assert other.questions != DemoModel.named("demo", max_tokens=16).questions
    for name in ("no-such-folder", "no.gguf", "http://127.0.0.1:8000/v1", ""):
        with pytest.raises(InputError, match="no model's folder and no GGUF file"):
            DemoModel.named(name, max_tokens=16)


def _runs(process: str) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
