"""The server's speed: tokens a second against ``transformers serve``, and scoring against the bare model.

    python benches/bench_server.py                 prints two tables
    python benches/bench_server.py --without-peer  leaves ``transformers serve`` out (it needs accelerate)

All on the demo model, on this machine, in one run, one server at a time. Generation: greedy completions of 64 tokens at
concurrency 16, over HTTP, end tokens included as they come. Scoring: texts of 250 tokens with echo and top-20 logprobs at
concurrency 8, against the same texts through the bare engine (one thread, as the server's) with the same top-k.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx2
import numpy as np

from token_difr.engine.onnx import OnnxEngine
from token_difr.server.generation.logprob_rows import logprob_rows
from token_difr.server.model.folder import DEMO, ModelFolder

GENERATE_CONCURRENCY, SCORE_CONCURRENCY = 16, 8
OUTPUT_TOKENS, SCORED_TOKENS, TOP = 64, 250, 20
PEER_PORT = 18_765
PEER_REQUESTS = 48
PEER_MODES = {"transformers serve": [], "  with --continuous-batching": ["--continuous-batching"]}
TARGET_GENERATE, TARGET_SCORE = 3.0, 0.5
Send = Callable[[httpx2.AsyncClient, Any], Awaitable[int]]


class Server(NamedTuple):
    """A server under measurement: its base URL and the name of its model."""

    url: str
    model: str


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=160, help="requests of a measurement")
    parser.add_argument("--without-peer", action="store_true", help="leave transformers serve out")
    arguments = parser.parse_args()
    folder = ModelFolder.open(DEMO)
    print(f"{platform.machine()}, {os.cpu_count()} cores, demo model, {arguments.requests} requests a line")
    texts, sequences = prompts(folder, arguments.requests)
    with our_server() as server:
        ours = asyncio.run(rate(server, texts, GENERATE_CONCURRENCY, generator(server.model)))
        scoring = asyncio.run(rate(server, sequences, SCORE_CONCURRENCY, scorer(server.model)))
    print(f"\ngeneration, concurrency {GENERATE_CONCURRENCY}          tokens/s")
    print(f"token-difr serve                 {ours:10,.0f}")
    if not arguments.without_peer:
        for name, mode in PEER_MODES.items():
            with peer_server(folder, mode) as server:
                peer = asyncio.run(rate(server, texts[:PEER_REQUESTS], GENERATE_CONCURRENCY, generator(server.model)))
            print(f"{name:32} {peer:10,.0f}   ours is {ours / peer:.1f} x (target {TARGET_GENERATE:.0f})")
    bare = bare_rate(folder, sequences)
    print(f"\nscoring with top {TOP}, concurrency {SCORE_CONCURRENCY}    tokens/s")
    print(f"bare model with top-k            {bare:10,.0f}")
    print(f"over HTTP                        {scoring:10,.0f}   {scoring / bare:.2f} of it (target {TARGET_SCORE})")


def prompts(folder: ModelFolder, count: int) -> tuple[list[str], list[list[int]]]:
    """Questions as text, to be answered, and stretches of text as ids, to be scored."""
    lines = (folder.path.parent / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    if folder.template is None:
        raise SystemExit("the demo model has no chat template")
    rendered = [folder.template.render(json.loads(line)["messages"]) for line in lines]
    ids = folder.tokenizer.encode("".join(rendered), add_special_tokens=False)
    starts = [at * SCORED_TOKENS % (len(ids) - SCORED_TOKENS) for at in range(count)]
    return rendered[:count], [ids[start : start + SCORED_TOKENS] for start in starts]


@contextmanager
def our_server() -> Iterator[Server]:
    """``token-difr serve demo`` as a process of its own."""
    command = [sys.executable, "-m", "token_difr", "serve", "demo", "--port", "0", "--until-stdin-closes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield Server(process.stdout.readline().strip() if process.stdout else "", "demo")
        process.communicate()


@contextmanager
def peer_server(folder: ModelFolder, mode: list[str]) -> Iterator[Server]:
    """``transformers serve`` on the same folder, in float32."""
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder.path)]
    options = ["--port", str(PEER_PORT), "--device", "cpu", "--dtype", "float32", *mode]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://localhost:{PEER_PORT}"
    try:
        wait_until_healthy(url, process)
        yield Server(url, str(folder.path))
    finally:
        process.terminate()
        process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    """Returns when the server answers; ends the benchmark if it never does."""
    for _ in range(240):
        if process.poll() is not None:
            raise SystemExit("transformers serve ended; it needs: pip install 'transformers[serving]'")
        try:
            if httpx2.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.5)
    raise SystemExit("transformers serve did not answer within two minutes")


def generator(model: str) -> Send:
    """Sends one prompt and counts the tokens of the answer."""

    async def send(http: httpx2.AsyncClient, prompt: str) -> int:
        body = {"model": model, "prompt": prompt, "max_tokens": OUTPUT_TOKENS, "temperature": 0}
        answer = await http.post("/v1/completions", json=body)
        answer.raise_for_status()
        return int(answer.json()["usage"]["completion_tokens"])

    return send


def scorer(model: str) -> Send:
    """Sends one sequence of ids and counts them."""

    async def send(http: httpx2.AsyncClient, ids: list[int]) -> int:
        body = {"model": model, "prompt": ids, "max_tokens": 0, "echo": True, "logprobs": TOP}
        answer = await http.post("/v1/completions", json=body)
        answer.raise_for_status()
        return len(answer.json()["choices"][0]["logprobs"]["tokens"])

    return send


async def rate(server: Server, inputs: list[Any], concurrency: int, send: Send) -> float:
    """Tokens a second over all inputs, after a few that warm up."""
    gate = asyncio.Semaphore(concurrency)
    async with httpx2.AsyncClient(base_url=server.url, timeout=600) as http:

        async def one(prompt: Any) -> int:
            async with gate:
                return await send(http, prompt)

        await asyncio.gather(*(one(prompt) for prompt in inputs[:4]))
        started = time.perf_counter()
        tokens = await asyncio.gather(*(one(prompt) for prompt in inputs))
        return sum(tokens) / (time.perf_counter() - started)


def bare_rate(folder: ModelFolder, sequences: list[list[int]]) -> float:
    """Tokens a second of the engine alone with top-k, one sequence at a time."""
    engine = OnnxEngine(folder.path)

    def score(ids: list[int]) -> None:
        array = np.array([ids])
        positions = np.arange(len(ids))[None]
        logits = engine.forward(array, positions, np.ones_like(array), engine.empty_cache()).logits[0]
        logprob_rows(logits[:-1], array[0, 1:], TOP)

    score(sequences[0])
    started = time.perf_counter()
    for ids in sequences:
        score(ids)
    return sum(map(len, sequences)) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
