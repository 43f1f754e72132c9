"""Does a campaign of twelve providers say of each what it is? Over loopback, with servers of the demo's model, on two dates.

    python scripts/measure_campaign.py --folder /tmp/campaign

On the first date the command is killed once (SIGKILL) while it asks, and called again; on the second one an honest provider serves int4.
Exit status 1 if something is not found, or found where nothing is.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from campaign_cast import CAST, MIXED, MODEL, Front, machine, served
from token_difr.answers import read_prompts
from token_difr.campaign.reporting import report_of
from token_difr.campaign.table import report_grids
from token_difr.demo_model import PROMPTS_FILE
from token_difr.engine.rounding import WeightRounding
from token_difr.records import CampaignReport, Standing
from token_difr.report import grids_markdown
from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory
from token_difr.server import ModelService, ServerSettings
from token_difr.server.listening import running
from token_difr.ties import TieSet, pick_ties
from token_difr.verdict.attribution import MIXED as IN_PART

FIRST, SECOND = "2026-11-01", "2026-11-02"
TURNS = "honest-2"
"""Serves int4 on the second date."""

HONEST = ("honest-1", "honest-2", "honest-3", "twin-a", "twin-b", "busy", "liar")
KINDS = {
    "int4": "weights of 4 bits or fewer, or another model",
    "int8": "finer rounding of weights or arithmetic",
    "mixture": IN_PART,
    "system-prompt": "another prompt or template",
}
KILLED_AT = 0.3
"""Share of all answers."""


def picked(folder: Path, prompts: int, count: int) -> TieSet:
    """The ties of a float32 reference, picked once."""
    file = folder / "ties.json"
    if not file.exists():
        with running(ModelService(ServerSettings(model=MODEL))) as url:
            how: dict[str, Any] = {"max_tokens": 64, "count": count, "concurrency": 32, "progress": False}
            side = f"{url}/v1"
            questions = read_prompts(PROMPTS_FILE)[:prompts]
            run = folder / "ties.run"
            how |= {"provider": side, "model": MODEL, "tokenizer": MODEL, "run": run}
            pick_ties(questions, reference=side, **how).save(file)
    return TieSet.load(file)


def write_file(folder: Path, urls: dict[str, str]) -> Path:
    """The campaign's file."""
    lines = ["[campaign]", f'model = "{MODEL}"', 'ties = "ties.json"', 'by = "chat"', "budget = 1.0"]
    for name, url in urls.items():
        lines += ["", "[[provider]]", f'name = "{name}"', f'url = "{url}"', "price = { input = 0.5, output = 1.5 }"]
        lines += [f'role = "{CAST[name].role}"', "concurrency = 8"]
    file = folder / "campaign.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def command(file: Path, out: Path, date: str) -> list[str]:
    """The one command."""
    return [sys.executable, "-m", "token_difr", "campaign", "run", str(file), "--out", str(out), "--date", date]


def killed(arguments: Sequence[str], fronts: Sequence[Front], answers: int) -> bool:
    """Whether the command was killed while it asked, after so many answers."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if sum(sum(front.answered.values()) for front in fronts) >= answers:
                os.kill(process.pid, signal.SIGKILL)
                return True
            time.sleep(0.05)
    return False


def kept(folder: Path) -> dict[str, set[str]]:
    """The questions of each provider to which there is an answer."""
    found = {}
    for name in CAST:
        found[name] = set[str]()
        if is_run_directory(folder / name):
            with RunDirectory.read(folder / name) as run:
                found[name] = {json.dumps(run.prompts[index]) for index in run.responses()}
    return found


def failings(report: CampaignReport, again: int) -> Iterator[str]:
    """What the report should say, and does not."""
    first = {each.name: each for each in report.days[0].standings}
    if again:
        yield f"{again} answers that were kept were asked for again"
    for name in HONEST:
        if first[name].verdict == "divergent" or not set(first[name].groups) & set(first["trusted"].groups):
            yield f"{name} is honest: {first[name].verdict}, group {first[name].groups}"
    for name, kind in KINDS.items():
        if first[name].verdict != "divergent" or kind not in first[name].deviations:
            yield f"{name}: {first[name].verdict}, {first[name].deviations}"
    yield from _odd_ones(first)
    shared = {each.names for each in report.days[0].shared}
    if shared != {("twin-a", "twin-b")}:
        yield f"answer as one: {sorted(shared)}"
    changed = {each.name: each.since for each in report.changes if each.seen is not None}
    if changed != {TURNS: SECOND}:
        yield f"changed: {changed}"


def _odd_ones(standings: dict[str, Standing]) -> Iterator[str]:
    mixture, dies, liar = (standings[name] for name in ("mixture", "dies", "liar"))
    share = mixture.mixture
    if share is None or not share.low <= MIXED <= share.high or share.least > MIXED:
        yield f"the mixture: {share}"
    if dies.failure is None or dies.verdict is not None:
        yield f"dies: {dies}"
    if "answering_model" not in liar.warnings:
        yield f"liar: {liar.warnings}"


def main() -> None:
    """Runs the campaign and prints its table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="keeps models, ties and the campaign")
    parser.add_argument("--prompts", type=int, default=1000, help="that the reference answers")
    parser.add_argument("--count", type=int, default=500, help="ties that are picked")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    ties, out = picked(folder, arguments.prompts, arguments.count), folder / "campaign"
    if out.exists():
        parser.error(f"{out} holds a campaign: move it away")
    begun = time.monotonic()
    with served(folder, CAST) as providers:
        fronts = [front for _, front in providers.values()]
        file = write_file(folder, {name: url for name, (url, _) in providers.items()})
        wanted = int(KILLED_AT * len(ties.ties) * len(CAST))
        if not killed(command(file, out, FIRST), fronts, wanted):
            print("the command ended before it could be killed")
        held = kept(out / FIRST)
        for front in fronts:
            front.answered.clear()
        subprocess.run(command(file, out, FIRST), stdout=subprocess.DEVNULL, check=False)
        again = sum(len(held[name] & front.answered.keys()) for name, (_, front) in providers.items())
        print(f"killed with {sum(map(len, held.values())):,} answers kept; {again} of them were asked for again")
        with running(
            ModelService(
                ServerSettings(model=machine(folder, CAST[TURNS].machine or 0), name=MODEL, weights=WeightRounding.INT4)
            )
        ) as url:
            providers[TURNS][1].url = url
            for front in fronts:
                front.answered.clear()
            subprocess.run(command(file, out, SECOND), stdout=subprocess.DEVNULL, check=False)
    report = report_of(out)
    print(grids_markdown(report_grids(report, every_date=True)))
    print(f"{time.monotonic() - begun:.0f} s")
    wrong = list(failings(report, again))
    print("\n".join(f"WRONG: {each}" for each in wrong) or "everything is as it should be")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
