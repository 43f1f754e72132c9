"""Scores of token-difr 0.1.2 at temperature 0, through its API path; runs in the environment of 0.1.2.

    python peer_scores.py BATCHES.json VOCABULARY_SIZE

Standard output gets one JSON list a batch: for each sequence its tokens as [match, prob, margin, logit rank, Gumbel rank].
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

# By name: in the environment of a type checker, this is another token-difr.
api: Any = importlib.import_module("token_difr.api")


def scores(batch: list[dict[str, Any]], vocabulary_size: int) -> list[list[Any]]:
    """The five values of every token."""
    results = [
        api.SparseLogprobs(index=i, gen_ids=each["claimed"], logprobs=each["rows"])
        for i, each in enumerate(batch)
        if each["claimed"]
    ]
    made = api._process_results_to_metrics(
        results, len(batch), vocabulary_size, temperature=0.0, top_k=5, top_p=0.95, seed=42, verbose=False
    )
    return [[astuple(token) for token in tokens] for tokens in made]


if __name__ == "__main__":
    batches = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    json.dump([scores(batch, int(sys.argv[2])) for batch in batches], sys.stdout)
