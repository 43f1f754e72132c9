"""Many clients on one server for a long time: ``python scripts/soak_server.py --seconds 600``.

64 clients send mixed requests (greedy, seeded, streams, scored prompts, several choices) and some of them leave in the
middle. Every answer is compared with the one that the same request got alone: equal, or first different at two tokens
whose logprobs lie within 1e-4. Prints what it saw, and exits with 1 when an answer was wrong, the server's memory at the
end was more than 20 MB above that at a quarter of the run, or the 99th percentile of ``/health`` reached 200 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from token_difr.server.model.folder import DEMO, ModelFolder

NOISE = 1e-4
MEMORY_LIMIT = 20e6
HEALTH_LIMIT = 0.2
REQUESTS = 60
Body = dict[str, Any]


@dataclass
class Findings:
    """What was seen so far."""

    answered: int = 0
    left: int = 0
    near: int = 0
    wrong: list[str] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=64)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "token_difr", "serve", "demo", "--port", "0", "--until-stdin-closes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        findings = asyncio.run(soak(url, server.pid, arguments.seconds, arguments.clients))
        server.communicate()
    return report(findings)


async def soak(url: str, pid: int, seconds: float, clients: int) -> Findings:
    """All requests once alone, then many at once until the time is over."""
    findings, end = Findings(), time.monotonic() + seconds
    bodies = request_bodies()
    limits = httpx2.Limits(max_connections=2 * clients)
    async with httpx2.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
        alone = [await complete(http, body) for body in bodies]
        watching = asyncio.create_task(watch(http, pid, end, findings))
        work = [client(http, seed, list(zip(bodies, alone, strict=True)), end, findings) for seed in range(clients)]
        await asyncio.gather(*work, watching)
    return findings


def request_bodies() -> list[Body]:
    """Requests of every kind, over the demo's questions."""
    folder = ModelFolder.open(DEMO)
    lines = (folder.path.parent / "prompts.jsonl").read_text(encoding="utf-8").splitlines()[:REQUESTS]
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
    http: httpx2.AsyncClient, seed: int, known: list[tuple[Body, Any]], end: float, found: Findings
) -> None:
    """One client: requests at random, some as streams, some given up."""
    generator = np.random.default_rng(seed)
    while time.monotonic() < end:
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


async def watch(http: httpx2.AsyncClient, pid: int, end: float, found: Findings) -> None:
    """Asks for the health and reads the memory, several times a second."""
    while time.monotonic() < end:
        started = time.monotonic()
        (await http.get("/health")).raise_for_status()
        found.health.append(time.monotonic() - started)
        found.memory.append(resident_bytes(pid))
        await asyncio.sleep(0.1)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (Linux)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines())
    return int(lines["VmRSS"].split()[0]) * 1024


def report(found: Findings) -> int:
    """Prints the findings; 0 where all limits are kept."""
    quarter = found.memory[len(found.memory) // 4]
    growth = found.memory[-1] - quarter
    health = float(np.quantile(found.health, 0.99))
    share = found.near / max(found.answered, 1)
    print(f"answers            {found.answered}, and {found.left} clients that left")
    print(f"wrong answers      {len(found.wrong)}")
    print(f"within the noise   {found.near} ({share:.2%})")
    print(f"memory             {quarter / 1e6:.0f} MB at a quarter, {growth / 1e6:+.1f} MB at the end")
    print(f"/health p99        {1000 * health:.0f} ms")
    for line in found.wrong[:5]:
        print(line)
    return int(bool(found.wrong) or growth > MEMORY_LIMIT or health >= HEALTH_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
