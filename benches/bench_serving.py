"""The speed of any OpenAI-compatible server: decoding alone and among others, and scoring of prompts.

    python benches/bench_serving.py NAME=URL [NAME=URL ...]    prints a line a server; the first is what the others are compared to

Each server is measured alone while the others idle, with the same prompts: 24 of 150 words, drawn with a seed. Decoding:
64 greedy tokens a prompt, the end token ignored, a prompt a request, at concurrency 1 (8 prompts) and 8. Scoring: prompt and
its top-20 logprobs (``echo`` with ``logprobs``, no output), at concurrency 8; servers that do not score prompts get a dash.
Tokens a second are those that the server says it made or read, over the time from the first request to the last answer.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np

__all__ = ["Speed", "measure", "table"]

PROMPTS, WORDS, ALONE = 24, 150, 8
OUTPUT_TOKENS, TOP, CONCURRENCY = 64, 20, 8
SEED = 1
VOCABULARY = (
    "the of and a to in is was that for it on as with his he at by from her which had an not but are were this they be all "
    "one who when would there their been has more if no out so what up into them can she about time than only some could "
    "these two may then do first any my now such like our over man me even most made after also did many before must "
    "through back years where much your way well down should because each just those people how too little state good "
    "very make world still own see men work long get here between both life being under never day same another know while"
)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Tokens a second of one server.

    Attributes:
        alone: Decoding, one request at a time.
        among_others: Decoding, eight at a time.
        scoring: Tokens of prompts that are scored, eight requests at a time; None where the server scores none.
    """

    alone: float
    among_others: float
    scoring: float | None


def prompts(count: int = PROMPTS) -> list[str]:
    """Texts without sense, the same on every machine."""
    random = np.random.default_rng(SEED)
    return [" ".join(random.choice(VOCABULARY.split(), WORDS)) for _ in range(count)]


async def measure(url: str, *, scores_prompts: bool = True) -> Speed:
    """Measures a server that is running.

    Args:
        url: Of the server, without ``/v1``.
        scores_prompts: It answers ``echo`` with the prompt's logprobs.
    """
    texts = prompts()
    async with httpx2.AsyncClient(base_url=url, timeout=600) as client:
        model = (await client.get("/v1/models")).json()["data"][0]["id"]
        decode = {"model": model, "max_tokens": OUTPUT_TOKENS, "temperature": 0, "ignore_eos": True}
        score = {"model": model, "max_tokens": 1, "temperature": 0, "echo": True, "logprobs": TOP}
        await _post(client, {**decode, "prompt": "warm up", "max_tokens": 4})
        alone = await _rate(client, decode, texts[:ALONE], 1, "completion_tokens")
        among_others = await _rate(client, decode, texts, CONCURRENCY, "completion_tokens")
        scoring = await _rate(client, score, texts, CONCURRENCY, "prompt_tokens") if scores_prompts else None
    return Speed(alone=alone, among_others=among_others, scoring=scoring)


async def _rate(
    client: httpx2.AsyncClient, body: dict[str, Any], texts: Sequence[str], concurrency: int, counted: str
) -> float:
    """Tokens a second of requests that are sent as soon as one of the last is answered."""
    gate = asyncio.Semaphore(concurrency)

    async def send(text: str) -> int:
        async with gate:
            # A word of its own ahead, so that no server remembers the prompt from an earlier part.
            answer = await _post(client, {**body, "prompt": f"{counted} {concurrency}: {text}"})
            return int(answer["usage"][counted])

    start = time.perf_counter()
    tokens = await asyncio.gather(*(send(text) for text in texts))
    return sum(tokens) / (time.perf_counter() - start)


async def _post(client: httpx2.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/v1/completions", json=body)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def table(speeds: dict[str, Speed]) -> str:
    """The measurements as a table, each with its ratio to the first server's."""
    first = next(iter(speeds.values()))
    lines = ["tokens/s                 decode alone      decode x8     scoring x8"]
    for name, speed in speeds.items():
        pairs = [(speed.alone, first.alone), (speed.among_others, first.among_others), (speed.scoring, first.scoring)]
        lines.append(f"{name:22}" + "".join(_cell(own, other) for own, other in pairs))
    return "\n".join(lines)


def _cell(own: float | None, first: float | None) -> str:
    if own is None:
        return f"{'-':>15}"
    return f"{own:8.1f} ({own / first:.2f})" if first else f"{own:8.1f}       "


def main() -> None:
    """Reads the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("servers", nargs="+", metavar="NAME=URL", help="a trailing '!' on the name: scores no prompts")
    speeds = {}
    for server in parser.parse_args().servers:
        name, _, url = server.partition("=")
        speeds[name.rstrip("!")] = asyncio.run(measure(url, scores_prompts=not name.endswith("!")))
        print(name, speeds[name.rstrip("!")], flush=True)
    print(table(speeds))


if __name__ == "__main__":
    main()
