"""The rollouts client: reads from its cache a second, and what it adds to a request of the bare SDK.

    python benches/bench_rollouts.py

Both sides of the second figure send the same requests to the same server on loopback, one after the other, in turns.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import openai

from token_difr.rollouts import RolloutsClient
from token_difr.testing.faulty_provider import FaultyProvider, faulty_provider

READS = 20_000
REQUESTS = 400
ROUNDS = 5


async def reads_per_second(client: RolloutsClient) -> float:
    """Best of some rounds over answers that are all in the cache."""
    prompts: list[Any] = [f"question {number}" for number in range(100)]
    await client.agenerate_many(prompts, READS // 100)
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        drawn = await client.agenerate_many(prompts, READS // 100)
        rates.append(READS / (time.perf_counter() - started))
        assert all(response.cached for rollouts in drawn for response in rollouts)
    return max(rates)


async def milliseconds_a_request(client: RolloutsClient, provider: FaultyProvider) -> tuple[float, float]:
    """Medians over the rounds: the bare SDK, and the client with its cache."""
    bare, ours = [], []
    async with openai.AsyncOpenAI(base_url=f"{provider.url}/v1", api_key="x", max_retries=0) as sdk:
        for turn in range(ROUNDS):
            started = time.perf_counter()
            for seed in range(REQUESTS):
                await sdk.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": f"bare {turn}"}], seed=seed, temperature=0.7
                )
            bare.append(1e3 * (time.perf_counter() - started) / REQUESTS)
            started = time.perf_counter()
            await client.agenerate(f"ours {turn}", REQUESTS, concurrency=1)
            ours.append(1e3 * (time.perf_counter() - started) / REQUESTS)
    return statistics.median(bare), statistics.median(ours)


async def measure(provider: FaultyProvider, folder: Path) -> None:
    """Runs and prints."""
    client = RolloutsClient("m", provider=provider.url, cache_dir=folder, max_retries=0, progress_bar=False)
    reads = await reads_per_second(client)
    bare, ours = await milliseconds_a_request(client, provider)
    client.close()
    print(f"cached reads                {reads:12,.0f} a second")
    print(f"bare openai SDK             {bare:12.2f} ms a request")
    print(f"RolloutsClient              {ours:12.2f} ms a request, {ours - bare:+.2f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary, faulty_provider(share=0.0) as running:
        asyncio.run(measure(running, Path(temporary)))
