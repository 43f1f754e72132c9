"""Many samples through a bad proxy: ``python scripts/soak_rollouts.py --samples 20000``.

200 prompts, 64 requests in flight, a fault in a fifth of all requests: 429 with and without Retry-After, 500, 502,
truncated JSON, HTTP 200 with an error inside, dropped and stalled connections. Every sample must end as its own answer or
as a named error, and be recorded once. Prints what it saw; exits with 1 when one did not, when the memory at the end
was more than 20 MB above that at a quarter of the run, or when the API key's text stands in any file, log line, error or
result. How long the event loop was blocked is printed and not judged: that is the machine's speed, and what else it does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import secrets
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from token_difr.rollouts import Rollouts, RolloutsClient
from token_difr.rollouts.cache import CACHE_FILE
from token_difr.testing.faulty_provider import FaultyProvider, faulty_provider

MEMORY_LIMIT = 20e6
TICK = 0.005


@dataclass
class Seen:
    """What was seen."""

    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    longest_block: float = 0.0
    longest_block_at: float = 0.0


class KeyWatch(logging.Handler):
    """Looks for the key in every line of every logger, and keeps none."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key
        self.lines = 0
        self.leaked = False

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        self.lines += 1
        self.leaked = self.leaked or self._key in self.format(record)


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=64)
    arguments = parser.parse_args()
    key = f"sk-{secrets.token_hex(24)}"
    log = KeyWatch(key)
    logging.basicConfig(handlers=[log], level=logging.DEBUG)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, faulty_provider(stall_seconds=4.0) as provider:
        seen = asyncio.run(soak(provider, key, Path(folder), arguments))
        print(f"{time.monotonic() - started:.0f} s; faults met: {dict(sorted(provider.met.items()))}")
        stored = check_records(provider, Path(folder), seen)
        leaks = [str(file) for file in Path(folder).rglob("*") if file.is_file() and key.encode() in file.read_bytes()]
    leaks += ["the log"] * log.leaked
    return report(seen, stored, leaks, arguments)


async def soak(provider: FaultyProvider, key: str, folder: Path, arguments: argparse.Namespace) -> Seen:
    """All prompts, a few at a time; nothing but counts is kept."""
    seen = Seen()
    each = arguments.samples // arguments.prompts
    waiting = iter(range(arguments.prompts))
    client = RolloutsClient(
        "made-up",
        provider=provider.url,
        api_key=key,
        cache_dir=folder,
        concurrency=arguments.concurrency,
        timeout=2.0,
        max_retries=6,
        progress_bar=False,
        verbose=True,
    )

    async def work() -> None:
        for number in waiting:
            (rollouts,) = await client.agenerate_many([f"question {number}"], each)
            check(rollouts, number, each, key, seen)
            seen.memory.append(resident_bytes())

    watch = asyncio.create_task(watch_loop(seen))
    await asyncio.gather(*(work() for _ in range(4)))
    watch.cancel()
    client.close()
    return seen


def check(rollouts: Rollouts, number: int, each: int, key: str, seen: Seen) -> None:
    """Whether every sample is its own answer or a named error."""
    seen.answered += len(rollouts)
    seen.errors.update(type(error.error).__name__ for error in rollouts.errors)
    if len(rollouts) + len(rollouts.errors) != each:
        seen.wrong.append(f"prompt {number} has {len(rollouts)} answers and {len(rollouts.errors)} errors of {each}")
    if {r.seed for r in rollouts} | {e.seed for e in rollouts.errors} != set(range(each)):
        seen.wrong.append(f"prompt {number} lost a seed")
    seen.wrong += [f"wrong: {r.full!r}" for r in rollouts if r.full != f"answer {r.seed} to: question {number}"]
    if key in json.dumps(rollouts.to_dict()):
        seen.wrong.append("the key is in a result")


def check_records(provider: FaultyProvider, folder: Path, seen: Seen) -> int:
    """Whether the cache holds each answer once, and nothing was answered twice. Returns their number."""
    with sqlite3.connect(folder / CACHE_FILE) as connection:
        (stored,) = connection.execute("SELECT count(*) FROM answers").fetchone()
        (claims,) = connection.execute("SELECT count(*) FROM claims").fetchone()
    if claims:
        seen.wrong.append(f"{claims} claims are left")
    twice = [name for name, count in provider.answered.items() if count > 1]
    # A stalled or cut answer may have been sent in full by the proxy's clock: only then it is asked for again.
    if len(twice) > 0.001 * stored:
        seen.wrong.append(f"{len(twice)} requests were answered twice, such as {twice[0]}")
    return int(stored)


async def watch_loop(seen: Seen) -> None:
    """How long the event loop does not come back."""
    started = time.monotonic()
    while True:
        before = time.monotonic()
        await asyncio.sleep(TICK)
        blocked = time.monotonic() - before - TICK
        if blocked > seen.longest_block:
            seen.longest_block, seen.longest_block_at = blocked, before - started


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096


def report(seen: Seen, stored: int, leaks: list[str], arguments: argparse.Namespace) -> int:
    """Prints what was seen; the exit status."""
    samples = arguments.samples
    growth = seen.memory[-1] - seen.memory[len(seen.memory) // 4]
    total = seen.answered + sum(seen.errors.values())
    print(f"{samples} samples: {seen.answered} answered, {dict(seen.errors)} failed, {stored} stored")
    print(
        f"memory after a quarter and at the end: {growth / 1e6:+.1f} MB; longest block of the event loop "
        f"{1e3 * seen.longest_block:.0f} ms, {seen.longest_block_at:.1f} s after the start"
    )
    for line in [*seen.wrong[:10], *(f"the key is in {leak}" for leak in leaks)]:
        print(line)
    good = total == samples and stored == seen.answered and not seen.wrong and not leaks
    return 0 if good and growth <= MEMORY_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
