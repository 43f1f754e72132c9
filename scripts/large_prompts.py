"""Prompts of megabytes at a server, and what they do to others: ``python scripts/large_prompts.py``.

Sends texts, conversations and lists of token ids of 6 MB each, some of which are to be cut to the context, two at once.
Meanwhile ``/health`` is asked twenty times a second. Prints how long that took and exits with 1 where the 99th percentile
is 200 ms or more: it is a figure of the machine too, so no test rests on it. Then 60 clients ask for 1,000 tokens each of
one slot, and the server is told to stop: prints how long it took, and what the clients were told.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import httpx2
import numpy as np

LIMIT_SECONDS = 0.2
PATIENCE_SECONDS = 600.0
CLIENTS = 60
GRACE_SECONDS = 5
Body = dict[str, Any]


def large_bodies(size: int) -> list[tuple[str, Body]]:
    """Requests of ``size`` bytes in every form that a prompt has."""
    text = "The list method append adds one element. " * (size // 41)
    conversation = [{"role": "user", "content": text}]
    return [
        ("/v1/completions", {"prompt": text, "max_tokens": 1}),
        ("/v1/completions", {"prompt": text, "max_tokens": 1, "truncate_prompt_tokens": -1}),
        ("/v1/completions", {"prompt": [5] * (size // 2), "max_tokens": 1}),
        ("/v1/completions", {"prompt": ["word " * 200] * (size // 1000), "max_tokens": 1}),
        ("/v1/chat/completions", {"messages": conversation, "max_tokens": 1}),
        ("/v1/chat/completions", {"messages": conversation, "max_tokens": 1, "truncate_prompt_tokens": 100}),
        ("/generate", {"text": text, "sampling_params": {"max_new_tokens": 1}}),
        ("/tokenize", {"prompt": text}),
    ]


async def watch(http: httpx2.AsyncClient, seconds: list[float]) -> None:
    """Asks for the health until it is cancelled."""
    while True:
        started = time.monotonic()
        (await http.get("/health")).raise_for_status()
        seconds.append(time.monotonic() - started)
        await asyncio.sleep(0.05)


async def send_large(url: str, size: int, at_once: int, duration: float) -> list[float]:
    """How long each question for the health took while large requests were answered, all of them again until the end."""
    seconds: list[float] = []
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as http:
        watching = asyncio.create_task(watch(http, seconds))
        sending = asyncio.Semaphore(at_once)

        async def send(path: str, content: bytes) -> int:
            async with sending:
                answer = await http.post(path, content=content, headers={"content-type": "application/json"})
                return answer.status_code

        bodies = [(path, httpx2.Request("POST", url, json=body).read()) for path, body in large_bodies(size)]
        statuses: list[int] = []
        end = time.monotonic() + duration
        while not statuses or time.monotonic() < end:
            statuses += await asyncio.gather(*(send(path, content) for path, content in bodies))
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    print(f"large requests     {Counter(statuses)}")
    return seconds


async def ask_long(http: httpx2.AsyncClient, number: int) -> str:
    """What one client is told of 1,000 tokens."""
    body: Body = {"prompt": "a b c", "max_tokens": 1000, "ignore_eos": True, "stream": bool(number % 2)}
    try:
        answer = await http.post("/v1/completions", json=body)
    except httpx2.TransportError as error:
        return f"{type(error).__name__}"
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.json()['error']['code']}"
    if not body["stream"]:
        return "a whole answer"
    is_error, is_ended = '"error"' in answer.text, answer.text.endswith("data: [DONE]\n\n")
    return f"a stream {'with an error event' if is_error else 'that is whole'}{'' if is_ended else ', cut'}"


async def stop_under_load(url: str, server: subprocess.Popen[str]) -> float:
    """Seconds from the signal to the end of the server."""
    limits = httpx2.Limits(max_connections=CLIENTS)
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, limits=limits) as http:
        asked = [asyncio.create_task(ask_long(http, number)) for number in range(CLIENTS)]
        await asyncio.sleep(1)
        server.send_signal(signal.SIGTERM)
        started = time.monotonic()
        await asyncio.to_thread(server.wait)
        took = time.monotonic() - started
        print(f"clients            {Counter(await asyncio.gather(*asked))}")
    return took


def main() -> int:
    """Reads the command line, runs, reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=6)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "token_difr", "serve", "demo", "--port", "0", "--max-batch", "1"]
    command += ["--grace-seconds", str(GRACE_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        seconds = asyncio.run(send_large(url, int(arguments.megabytes * 1e6), arguments.at_once, arguments.seconds))
        took = asyncio.run(stop_under_load(url, server))
    late = float(np.quantile(seconds, 0.99))
    print(f"/health            p50 {1000 * np.median(seconds):.0f} ms, p99 {1000 * late:.0f} ms of {len(seconds)}")
    print(f"shutdown           {took:.1f} s at a grace of {GRACE_SECONDS} s")
    return int(late >= LIMIT_SECONDS or took > GRACE_SECONDS + 2)


if __name__ == "__main__":
    sys.exit(main())
