"""What an audit does when something breaks, for each fault and each stage that can meet it.

    python scripts/fault_matrix.py [--only PART]     all cells, or those whose fault or stage has PART in its name

An audit of a few prompts runs against a provider and a reference on loopback. One of them breaks once it has answered a few
requests, or a file of the run does. A cell holds if the audit says so in one line (exit status 2, no traceback), asks again for
nothing that had arrived, and the same command ends with the report of an audit that nothing disturbed. Exit status 1 if a cell
does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from breaking_world import CHAT, COMPLETIONS, Reply, Spoil, World, serving
from token_difr.cli import main as command_line

PROMPTS = 6
SPARED = 3
"""Requests of a stage that are answered before it breaks; the preflight's is one of them."""
STAGES = {
    "preflight of the reference": (COMPLETIONS, 0),
    "preflight of the provider": (CHAT, 0),
    "collect": (CHAT, SPARED),
    "reference": (COMPLETIONS, SPARED),
}
"""Stage -> the route that it asks, and how many requests of that route are spared."""


def _error(status: int, message: str, **headers: str) -> Reply:
    body = json.dumps({"error": {"message": message}}).encode()
    return Reply(status, body, tuple((name.replace("_", "-"), value) for name, value in headers.items()))


def _spoiled(change: Callable[[Any], object]) -> Spoil:
    def spoil(answer: Any) -> Any:
        change(answer)
        return answer

    return spoil


REPLIES: dict[str, Reply] = {
    "wrong key (401)": _error(401, "no such key"),
    "no credit (402)": _error(402, "insufficient credit"),
    "forbidden (403)": _error(403, "not from your country"),
    "no such model (404)": _error(404, "The model `m` does not exist"),
    "refused field (400)": _error(400, "unsupported parameter"),
    "too many requests (429)": _error(429, "slow down", retry_after="0"),
    "server error (500)": _error(500, "out of memory"),
    "overloaded (503)": _error(503, "overloaded"),
    "moved (302)": Reply(302, b"", (("location", "http://127.0.0.1:9/elsewhere"),)),
    "a page in place of JSON": Reply(200, b"<html><title>Please log in</title></html>"),
    "half a JSON": Reply(200, b'{"choices": [{"mess'),
    "nothing (200)": Reply(200, b""),
    "not UTF-8": Reply(200, b'{"choices": "\xff\xfe"}'),
    "a list": Reply(200, b"[]"),
    "an error in 200": Reply(200, b'{"error": {"message": "upstream failed", "code": 502}}'),
    "no choices": Reply(200, b'{"choices": []}'),
    "nested too deeply": Reply(200, b'{"choices": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "closed connection": Reply(0),
    "cut off in the middle": Reply(200, b'{"choices": [{"index"', length=5000),
}
"""Faults that any route can have."""

ROWS: dict[str, Spoil] = {
    "other tokens echoed": _spoiled(lambda a: a["choices"][0]["prompt_token_ids"].reverse()),
    "a row too few": _spoiled(lambda a: a["choices"][0]["prompt_logprobs"].pop()),
    "no rows": _spoiled(lambda a: a["choices"][0].update(prompt_logprobs=None)),
    "a row of text": _spoiled(lambda a: a["choices"][0]["prompt_logprobs"].__setitem__(-1, "row")),
    "a logprob of text": _spoiled(lambda a: _last_row(a).update({"5": {"logprob": "high"}})),
    "a positive logprob": _spoiled(lambda a: [entry.update(logprob=3.5) for entry in _last_row(a).values()]),
    "an id beyond 32 bits": _spoiled(lambda a: _last_row(a).update({str(2**40): {"logprob": -1.0}})),
}
"""Faults of a reference's rows."""


def _last_row(answer: Any) -> Any:
    return answer["choices"][0]["prompt_logprobs"][-1]


FILES: dict[str, Callable[[Path], object]] = {
    "responses.jsonl: a line cut off": lambda run: _cut(run / "responses.jsonl"),
    "responses.jsonl: a byte flipped": lambda run: _flip(run / "responses.jsonl"),
    "responses.jsonl: gone": lambda run: (run / "responses.jsonl").unlink(),
    "sequences.jsonl: a byte flipped": lambda run: _flip(run / "sequences.jsonl"),
    "sequences.jsonl: gone": lambda run: (run / "sequences.jsonl").unlink(),
    "rows.jsonl: a line cut off": lambda run: _cut(run / "rows.jsonl"),
    "rows.jsonl: a byte flipped": lambda run: _flip(run / "rows.jsonl"),
    "rows.jsonl: gone": lambda run: (run / "rows.jsonl").unlink(),
    "scores.npz: a byte flipped": lambda run: _flip(run / "scores.npz"),
    "scores.npz: empty": lambda run: (run / "scores.npz").write_bytes(b""),
    "report.json: edited": lambda run: _flip(run / "report.json"),
    "report.json: gone": lambda run: (run / "report.json").unlink(),
}
"""Damage to a finished run: nothing of it may end an audit."""


SYSTEM = ("full disk", "Ctrl-C")
"""What the system does in the middle of a stage, while something is kept."""
KEPT = {"collect": "keep_response", "tokenize": "keep_sequences", "reference": "keep_rows", "score": "keep_scores"}
"""Stage -> the method of a run directory that keeps what it made."""


def _full_disk(_: int) -> None:
    """In place of ``os.fsync``: file systems that put writing off say so then."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) * 2 // 3] ^= 1
    file.write_bytes(content)


class Done(NamedTuple):
    """What a command did."""

    code: int
    output: str
    error: str


def run(*arguments: object) -> Done:
    """A command, in this process."""
    output, error = io.StringIO(), io.StringIO()
    code: object = None
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        try:
            command_line([str(argument) for argument in arguments])
        except SystemExit as exited:
            code = exited.code
    return Done(code if isinstance(code, int) else 70, output.getvalue(), error.getvalue())


class Cell(NamedTuple):
    """A fault, where it strikes, and what came of it.

    Attributes:
        fault: What breaks.
        stage: Where.
        message: The line that was said; "" where the fault needs none.
        failures: What is wrong with it; empty = it holds.
    """

    fault: str
    stage: str
    message: str
    failures: tuple[str, ...]


class Trial:
    """An audit in a folder of its own, against a world of its own."""

    def __init__(self, folder: Path) -> None:
        self.world, self.out, self.prompts = World(), folder / "run", folder / "prompts.jsonl"
        self.prompts.write_text("".join(json.dumps(f"question number {n}") + "\n" for n in range(PROMPTS)))

    def audit(self, url: str, *more: object) -> Done:
        """The audit's command."""
        sides = ("--provider", url, "--model", "m", "--reference", url, "--tokenizer", "demo", "--topk-logprobs", 2)
        pace = ("--max-retries", 0, "--concurrency", 1, "--quiet", "--json")
        return run("audit", *sides, "--prompts", self.prompts, "--out", self.out, *pace, *more)


def figures(done: Done) -> Any:
    """What must not depend on what happened on the way."""
    report = json.loads(done.output)
    return report["verdict"], report["summary"]


def said(done: Done, code: int) -> list[str]:
    """What is wrong with how a failure was told."""
    wrong = []
    if done.code != code:
        wrong.append(f"exit status {done.code}, not {code}")
    if done.error.count("\n") != 1 and code != 130:
        wrong.append(f"{done.error.count(chr(10))} lines")
    if "Traceback" in done.error or "internal error" in done.error:
        wrong.append("an error of its own")
    if len(done.error.strip()) > 700:
        wrong.append(f"{len(done.error)} characters")
    return wrong


def goes_on(trial: Trial, url: str, expected: Any, arrived: list[str]) -> list[str]:
    """What is wrong with the same command once the cause is gone."""
    trial.world.fault = None
    before = len(trial.world.answered)
    done = trial.audit(url, "--no-preflight")
    if done.code != 3:
        return [f"does not go on: exit status {done.code}: {done.error.strip()[:200]}"]
    wrong = [] if figures(done) == expected else ["another report"]
    again = set(arrived) & set(trial.world.answered[before:])
    return wrong + ([f"asked again for {', '.join(sorted(again))}"] if again else [])


def endpoint_cell(fault: str, reply: Reply | Spoil, stage: str, expected: Any) -> Cell:
    """An endpoint that breaks."""
    with tempfile.TemporaryDirectory() as folder, serving(World()) as _:
        trial = Trial(Path(folder))
        with serving(trial.world) as url:
            route, spared = STAGES[stage]
            trial.world.fault, trial.world.route, trial.world.spared = reply, route, spared
            first = () if stage.startswith("preflight") else ("--no-preflight",)
            done = trial.audit(url, *first)
            arrived = [tag for tag in trial.world.answered if tag != "preflight"]
            wrong = said(done, 2)
            if stage == "preflight of the reference" and any(tag.startswith("collect") for tag in arrived):
                wrong.append("the provider was asked")
            return Cell(fault, stage, done.error.strip(), (*wrong, *goes_on(trial, url, expected, arrived)))


def file_cell(fault: str, damage: Callable[[Path], object], expected: Any) -> Cell:
    """A finished run whose file is damaged: the same command mends it."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        with serving(trial.world) as url:
            trial.audit(url)
            damage(trial.out)
            before = len(trial.world.answered)
            done = trial.audit(url)
            wrong = [] if done.code == 3 else [f"exit status {done.code}: {done.error.strip()[:200]}"]
            if done.code == 3 and figures(done) != expected:
                wrong.append("another report")
            asked = len(trial.world.answered) - before
            most = {"responses": 2 * PROMPTS + 2, "rows": PROMPTS + 1, "sequences": 1}.get(fault.partition(".")[0], 0)
            most = most if "gone" in fault else min(most, 4)  # one answer, its rows, and the preflight's two
            if asked > most:
                wrong.append(f"{asked} requests to mend it")
            return Cell(fault, "finished run", done.error.strip(), tuple(wrong))


def system_cell(fault: str, stage: str, expected: Any) -> Cell:
    """A disk that is full, or a user who has enough, while a stage keeps what it made."""
    from token_difr.run import RunDirectory

    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        with serving(trial.world) as url:
            method, calls = KEPT[stage], 0
            real = getattr(RunDirectory, method)

            def keep(*arguments: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls > (SPARED if stage in {"collect", "reference"} else 0):
                    if fault == "full disk":
                        with patch.object(os, "fsync", _full_disk):
                            return real(*arguments)
                    signal.raise_signal(signal.SIGINT)
                return real(*arguments)

            with patch.object(RunDirectory, method, keep):
                done = trial.audit(url, "--no-preflight")
            interrupted = fault == "Ctrl-C"
            wrong = said(done, 130 if interrupted else 2)
            if not interrupted and "space" not in done.error:
                wrong.append("says nothing of space")
            if interrupted and "goes on" not in done.error:
                wrong.append("does not say that it goes on")
            prefix = {"collect": "collect", "reference": "reference"}.get(stage, "")
            kept = [tag for tag in trial.world.answered if tag.startswith(prefix)][:SPARED] if prefix else []
            kept += [tag for tag in trial.world.answered if tag.startswith("collect") and stage != "collect"]
            return Cell(fault, stage, done.error.strip(), (*wrong, *goes_on(trial, url, expected, kept)))


def undisturbed() -> Any:
    """The figures of an audit that nothing happens to."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        with serving(trial.world) as url:
            return figures(trial.audit(url))


def cells(only: str = "") -> Iterator[Cell]:
    """The matrix, or the cells whose fault or stage has ``only`` in its name."""
    expected = undisturbed()
    endpoint = [(fault, reply, stage) for fault, reply in REPLIES.items() for stage in STAGES]
    endpoint += [
        (fault, spoil, stage)
        for fault, spoil in ROWS.items()
        for stage, (route, _) in STAGES.items()
        if route == COMPLETIONS
    ]
    for name, reply, stage in endpoint:
        if only in f"{name} {stage}":
            yield endpoint_cell(name, reply, stage, expected)
    for name, damage in FILES.items():
        if only in f"{name} finished run":
            yield file_cell(name, damage, expected)
    for name in SYSTEM:
        for stage in KEPT:
            if only in f"{name} {stage}":
                yield system_cell(name, stage, expected)


def main() -> None:
    """Prints the matrix."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="cells whose fault or stage has this in its name")
    parser.add_argument("--messages", action="store_true", help="print what was said, too")
    arguments = parser.parse_args()
    made = failed = 0
    for cell in cells(arguments.only):
        made, failed = made + 1, failed + bool(cell.failures)
        print(f"{cell.fault:36}{cell.stage:28}{'; '.join(cell.failures) or 'holds'}", flush=True)
        if arguments.messages and cell.message:
            print(f"    {cell.message}")
    print(f"{made - failed} of {made} cells hold")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
