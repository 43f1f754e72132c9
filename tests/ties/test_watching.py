"""Watching a provider: a few ties a look, passes that follow each other, one rate of false alarms."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tie_providers import SET, Provider, never
from token_difr.cli.watch import seconds_of
from token_difr.errors import InputError
from token_difr.records import Rule, Verdict
from token_difr.testing.loopback import Answer, Request, json_answer, serving
from token_difr.ties import audit_ties
from token_difr.ties.asking import Way
from token_difr.ties.watching import Look, alook, rule_of_pass, watch

RunCli = Callable[..., tuple[int, str, str]]

HANG_GUARD = 300  # seconds


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of an honest provider on all ties."""
    out = tmp_path_factory.mktemp("watched") / "baseline"
    with serving(Provider(never)) as url:
        audit_ties(SET, provider=f"{url}/v1", model="m", out=out, way=Way.CHAT, progress=False)
    return out


def looks(provider: Provider, out: Path, baseline: Path, count: int, most: int) -> list[Look]:
    """So many looks, one after the other."""
    with serving(provider) as url:
        how: dict[str, Any] = {"provider": f"{url}/v1", "model": "m", "way": Way.CHAT, "progress": False}
        return [asyncio.run(alook(SET, out=out, baseline=baseline, most=most, **how)) for _ in range(count)]


def test_a_pass_goes_on_from_look_to_look(baseline: Path, tmp_path: Path) -> None:
    """Until its verdict; then another one begins, in another order, and no tie is asked twice in either."""
    provider = Provider(never)
    seen = looks(provider, tmp_path / "out", baseline, 3, 72)

    assert [look.number for look in seen] == [1, 1, 2]
    assert seen[0].asked == len(set(provider.asked[:72])) == 72
    assert [look.verdict for look in seen] == [Verdict.INCONCLUSIVE, Verdict.CONSISTENT, Verdict.INCONCLUSIVE]
    assert "more will be asked" in seen[0].reason
    first, second = provider.asked[: seen[1].asked], provider.asked[seen[1].asked :]
    assert len(set(first)) == len(first)
    assert len(set(second)) == len(second) == 72
    assert first[:72] != second


def test_a_provider_that_turns_is_found(baseline: Path, tmp_path: Path) -> None:
    """In the midst of a pass that began honestly."""
    provider = Provider(never)
    provider.flips = lambda number: len(provider.asked) > 20 and number % 2 == 0
    honest, *others = looks(provider, tmp_path / "out", baseline, 3, 20)
    turned = next(look for look in others if look.verdict is Verdict.DIVERGENT)

    assert honest.verdict is Verdict.INCONCLUSIVE
    assert turned.number == 1
    assert turned.wealth >= turned.divergent_at > 100


def test_all_passes_share_the_level() -> None:
    """However many there will be; each in an order of its own, and with deals enough for its level."""
    rules = [rule_of_pass(Rule(level=0.01, tolerance=0.05), number) for number in range(1, 2001)]
    total = sum(rule.level for rule in rules)
    assert 0.99 * 0.01 < total < 0.01
    assert len({rule.seed for rule in rules}) == len(rules)


def test_looks_follow_each_other(tmp_path: Path) -> None:
    """At their hours, whatever a look takes; an error of a look ends the watch."""
    waits, seen = list[float](), list[int]()

    async def look() -> None:
        seen.append(len(seen))
        if len(seen) == 3:
            raise InputError("the end")

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(InputError, match="the end"):
        asyncio.run(watch(look, every=3600.0, sleep=sleep))
    assert len(waits) == 2
    assert all(3000 < each <= 3600 for each in waits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("2d", 172800)])
def test_durations(text: str, seconds: int) -> None:
    """A whole number and a unit."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "0h", "1", "-1h", "1.5h", "1w", "\u0661h", "1 h"])
def test_other_durations_are_named(text: str) -> None:
    """With an example of one that is read."""
    with pytest.raises(InputError, match="--every takes a whole number and s, m, h or d, such as 1h"):
        seconds_of(text)


def test_one_look_of_the_command(run_cli: RunCli, baseline: Path, tmp_path: Path) -> None:
    """A JSON line on standard output and in the folder, and the verdict's exit code."""
    SET.save(tmp_path / "ties.json")
    provider, out = Provider(lambda _: True), tmp_path / "out"
    with serving(provider) as url:
        options = ("--ties", tmp_path / "ties.json", "--provider", f"{url}/v1", "--model", "m", "--by", "chat")
        code, output, _ = run_cli("watch", *options, "--baseline", baseline, "--out", out, "--per-look", 30, "--quiet")
    line = json.loads(output)
    assert code == 1
    assert line["verdict"] == "divergent"
    assert len(provider.asked) == line["asked"] == line["fell"] <= 20
    assert (out / "watch.jsonl").read_text() == output


def test_a_watch_outlives_a_provider_that_fails(baseline: Path, tmp_path: Path) -> None:
    """A look that fails is said on standard error, and the next one asks again; Ctrl-C ends the watch."""
    SET.save(tmp_path / "ties.json")
    refused = [0]

    def provider(request: Request) -> Answer:
        if refused[0] < 2:
            refused[0] += 1
            return json_answer({"error": {"message": "closed for today"}}, 403)
        return honest(request)

    honest, out = Provider(never), tmp_path / "out"
    with serving(provider) as url:
        options = ("--ties", tmp_path / "ties.json", "--provider", f"{url}/v1", "--model", "m", "--by", "chat")
        more = ("--baseline", baseline, "--out", out, "--per-look", "8", "--every", "1s", "--no-preflight")
        command = [sys.executable, "-m", "token_difr", "watch", *map(str, (*options, *more))]
        watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert watching.stdout is not None
            line = json.loads(watching.stdout.readline())
            watching.send_signal(signal.SIGINT)
            _, error = watching.communicate(timeout=HANG_GUARD)
        finally:
            watching.kill()
    assert refused == [2]
    assert line["verdict"] == "inconclusive"
    assert error.count("closed for today") >= 1
    assert watching.returncode == 130, error
