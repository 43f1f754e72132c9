"""Many clients on one server for a long time: ``python scripts/soak_server.py --seconds 600``.

64 clients send mixed requests (greedy, seeded, streams, scored prompts, several choices) and some of them leave in the
middle. Every answer is compared with the one that the same request got alone: equal, or first different at two tokens
whose logprobs lie within 1e-4. Prints what it saw, and exits with 1 when an answer was wrong, a client went without its
answers, or the server's memory at the end was more than 20 MB above that at a quarter of the answers. How long ``/health``
took is printed and not judged: that is the machine's speed, and what else it does. ``--requests 10`` ends after so many a
client instead of by the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from demo_server import demo_server
from token_difr.server.model.folder import DEMO, ModelFolder

NOISE = 1e-4
MEMORY_LIMIT = 20e6
PROMPTS = 60
PATIENCE_SECONDS = 600.0
Body = dict[str, Any]


@dataclass(frozen=True)
class Load:
    """What is asked of the server.

    Attributes:
        clients: At once.
        seconds: After so many no client begins another request.
        requests: Nor after so many of its own.
    """

    clients: int
    seconds: float
    requests: float


@dataclass
class Findings:
    """What was seen so far."""

    asked: int = 0
    answered: int = 0
    left: int = 0
    near: int = 0
    wrong: list[str] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    memory: list[tuple[int, int]] = field(default_factory=list)
    """Answers by then, and resident bytes: what the server holds grows with what it was asked, not with the clock."""


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument("--seconds", type=float)
    ends.add_argument("--requests", type=int, help="of every client")
    parser.add_argument("--clients", type=int, default=64)
    arguments = parser.parse_args()
    seconds = 600.0 if arguments.seconds is None else arguments.seconds
    requests = arguments.requests
    load = Load(arguments.clients, *((seconds, math.inf) if requests is None else (math.inf, requests)))
    with demo_server() as (url, pid):
        findings = asyncio.run(soak(url, pid, load))
    return report(findings)


async def soak(url: str, pid: int, load: Load) -> Findings:
    """All requests once alone, then many at once."""
    findings, bodies = Findings(), request_bodies()
    limits = httpx2.Limits(max_connections=2 * load.clients)
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, limits=limits) as http:
        known = [(body, await complete(http, body)) for body in bodies]
        watching = asyncio.create_task(watch(http, pid, findings))
        await asyncio.gather(*(client(http, seed, known, load, findings) for seed in range(load.clients)))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return findings


def request_bodies() -> list[Body]:
    """Requests of every kind, over the demo's questions."""
    folder = ModelFolder.open(DEMO)
    lines = (folder.path.parent / "prompts.jsonl").read_text(encoding="utf-8").splitlines()[:PROMPTS]
    kinds: list[Body] = [
        {"temperature": 0, "max_tokens": 64},
        {"temperature": 0, "max_tokens": 48, "logprobs": 5, "stop": ["\n\n"]},
        {"temperature": 0.9, "top_p": 0.95, "max_tokens": 64},
        {"temperature": 1.0, "n": 3, "max_tokens": 24},
        {"temperature": 0, "max_tokens": 0, "prompt_logprobs": 5},
    ]
    bodies = []
    for number, line in enumerate(lines):
        template = folder.template
        prompt = template.render(json.loads(line)["messages"]) if template is not None else line
        ids = folder.tokenizer.encode(prompt, add_special_tokens=False)
        bodies.append({"prompt": ids, "seed": number, "return_token_ids": True, **kinds[number % len(kinds)]})
    return bodies


async def client(
    http: httpx2.AsyncClient, seed: int, known: list[tuple[Body, Any]], load: Load, found: Findings
) -> None:
    """One client: requests at random, some as streams, some given up."""
    generator, end, sent = np.random.default_rng(seed), time.monotonic() + load.seconds, 0
    while time.monotonic() < end and sent < load.requests:
        sent, found.asked = sent + 1, found.asked + 1
        body, alone = known[int(generator.integers(len(known)))]
        manner = generator.random()
        if manner < 0.1:
            await leave(http, body, float(generator.random()) * 0.2, stream=manner < 0.05)
            found.left += 1
            continue
        if manner < 0.4 and "prompt_logprobs" not in body:
            answer = await stream(http, body)
        else:
            answer = await complete(http, body)
        found.answered += 1
        await compare(http, body, alone, answer, found)


async def complete(http: httpx2.AsyncClient, body: Body) -> list[Any]:
    """The token ids of every choice; for a scored prompt the logprobs of its tokens."""
    answer = await http.post("/v1/completions", json=body)
    answer.raise_for_status()
    choices = answer.json()["choices"]
    if "prompt_logprobs" in body:
        rows = choices[0]["prompt_logprobs"][1:]
        return [row[str(token)]["logprob"] for row, token in zip(rows, body["prompt"][1:], strict=True)]
    return [choice["token_ids"] for choice in choices]


async def stream(http: httpx2.AsyncClient, body: Body) -> list[Any]:
    """The same from a stream."""
    outputs: list[list[int]] = [[] for _ in range(body.get("n", 1))]
    async with http.stream("POST", "/v1/completions", json={**body, "stream": True}) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    outputs[choice["index"]] += choice["token_ids"]
    return outputs


async def leave(http: httpx2.AsyncClient, body: Body, after: float, *, stream: bool) -> None:
    """Sends a request and closes the connection before the answer is complete."""
    sending = asyncio.create_task(http.post("/v1/completions", json={**body, "stream": stream, "max_tokens": 400}))
    await asyncio.sleep(after)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def compare(http: httpx2.AsyncClient, body: Body, alone: list[Any], answer: list[Any], found: Findings) -> None:
    """Notes an answer that differs by more than the noise."""
    if "prompt_logprobs" in body:
        if not np.allclose(alone, answer, atol=NOISE):
            found.wrong.append(f"logprobs of a prompt differ by {np.abs(np.subtract(alone, answer)).max()}")
        return
    for one, other in zip(alone, answer, strict=True):
        if one != other:
            found.near += 1
            gap = await gap_at_first_difference(http, body, one, other)
            # With a seed the noise decides between the two, so that their logprobs may lie apart: counted as near.
            if body["temperature"] == 0 and gap > NOISE:
                found.wrong.append(f"an answer differs where two logprobs are {gap} apart")


async def gap_at_first_difference(http: httpx2.AsyncClient, body: Body, one: list[int], other: list[int]) -> float:
    """How far apart the two tokens lie at the first place where two outputs differ."""
    at = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        return float("inf")
    values = []
    for token in (one[at], other[at]):
        scored = {"prompt": [*body["prompt"], *one[:at], token], "max_tokens": 0, "prompt_logprobs": 0}
        values.append((await complete(http, scored))[-1])
    return abs(values[0] - values[1])


async def watch(http: httpx2.AsyncClient, pid: int, found: Findings) -> None:
    """Asks for the health and reads the memory, several times a second, until it is cancelled."""
    while True:
        started = time.monotonic()
        (await http.get("/health")).raise_for_status()
        found.health.append(time.monotonic() - started)
        found.memory.append((found.answered, resident_bytes(pid)))
        await asyncio.sleep(0.1)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (Linux)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024


def report(found: Findings) -> int:
    """Prints the findings; 0 where all limits are kept."""
    quarter = next(memory for answered, memory in found.memory if answered >= found.answered / 4)
    growth = found.memory[-1][1] - quarter
    health = float(np.quantile(found.health, 0.99))
    share = found.near / max(found.answered, 1)
    print(f"answers            {found.answered} of {found.asked} requests, and {found.left} clients that left")
    print(f"wrong answers      {len(found.wrong)}")
    print(f"within the noise   {found.near} ({share:.2%})")
    print(f"memory             {quarter / 1e6:.0f} MB at a quarter, {growth / 1e6:+.1f} MB at the end")
    print(f"/health p99        {1000 * health:.0f} ms")
    for line in found.wrong[:5]:
        print(line)
    complete = found.answered + found.left == found.asked
    return int(bool(found.wrong) or growth > MEMORY_LIMIT or not complete)


if __name__ == "__main__":
    sys.exit(main())
