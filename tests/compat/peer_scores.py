"""What token-difr 0.1.2 makes of rows at temperature 0, and of a server's answers; runs in the environment of 0.1.2.

    python peer_scores.py CASES.json

CASES.json is an object: ``batches``, ``vocabulary_size``, and for the server ``url``, ``model``, ``folder`` (of its
tokenizer), ``conversations``, ``audit`` (arguments of ``audit_provider``) and ``sequences``. The last line of standard
output is an object with, for each batch, ``scores`` (for each sequence its tokens as [match, prob, margin, logit rank,
Gumbel rank]) and ``summaries``; ``audited`` and ``verified`` are the figures of the server's answers and of ``sequences``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import openai

# By name: in the environment of a type checker, this is another token-difr.
peer: Any = importlib.import_module("token_difr")
api: Any = importlib.import_module("token_difr.api")

GREEDY = {"temperature": 0.0, "top_k": 5, "top_p": 0.95, "seed": 42, "verbose": False}


def metrics(batch: list[dict[str, Any]], vocabulary_size: int) -> list[list[Any]]:
    """One list a sequence, one object a token."""
    results = [
        api.SparseLogprobs(index=i, gen_ids=each["claimed"], logprobs=each["rows"])
        for i, each in enumerate(batch)
        if each["claimed"]
    ]
    made: list[list[Any]] = api._process_results_to_metrics(results, len(batch), vocabulary_size, **GREEDY)
    return made


def audited(case: dict[str, Any]) -> dict[str, Any]:
    """``audit_provider``, which in 0.1.2 knows no base URL but the services' own."""
    os.environ["OPENROUTER_API_KEY"] = os.environ["FIREWORKS_API_KEY"] = "x"
    client = openai.AsyncOpenAI

    def at_the_server(**options: Any) -> openai.AsyncOpenAI:
        return client(**{**options, "base_url": case["url"]})

    module: Any = sys.modules["token_difr.audit"]
    module.AsyncOpenAI = module.openai.AsyncOpenAI = at_the_server
    peer.register_fireworks_model(case["folder"], case["model"])
    peer.register_openrouter_model(case["folder"], case["model"])
    result = asdict(peer.audit_provider(case["conversations"], case["folder"], **case["audit"]))
    module.openai.AsyncOpenAI = client
    return result


async def verified(case: dict[str, Any]) -> dict[str, Any]:
    """The summary of ``verify_outputs_fireworks``."""
    sequences = [peer.TokenSequence(*each) for each in case["sequences"]]
    async with openai.AsyncOpenAI(base_url=case["url"], api_key="x") as client:
        made = await peer.verify_outputs_fireworks(
            sequences, case["vocabulary_size"], client=client, model=case["model"], topk_logprobs=5, **GREEDY
        )
    return dict(peer.compute_metrics_summary(made))


def main(case: dict[str, Any]) -> dict[str, Any]:
    """All that is asked for."""
    batches = [metrics(batch, case["vocabulary_size"]) for batch in case["batches"]]
    return {
        "scores": [[[list(vars(token).values()) for token in tokens] for tokens in batch] for batch in batches],
        "summaries": [peer.compute_metrics_summary(batch) for batch in batches],
        "audited": audited(case),
        "verified": asyncio.run(verified(case)),
    }


if __name__ == "__main__":
    sys.stdout.write(f"\n{json.dumps(main(json.loads(Path(sys.argv[1]).read_text(encoding='utf-8'))))}\n")
